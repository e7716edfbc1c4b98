# What cells of Elixir force an interleaving with. Loaded by host.exs.

defmodule Reviewkit.Gate do
  @moduledoc "Holds calls until enough of them have come. An error of a call itself goes on at once and does not count."
  @step 50
  # A step that ends so much too late is not counted: others may have had no turn.
  @late 50

  @doc """
  A closed gate that `n` calls open. Options: `patience`, seconds without a further call after which it opens all the same, and says so (1);
  `name`, an atom by which files of the workspace find it.
  """
  def new(n, options \\ []) do
    unless is_integer(n) and n >= 1, do: raise(ArgumentError, "gate: say how many calls open it, 1 or more")
    {patience, name} = {Keyword.get(options, :patience, 1), options[:name]}
    unless is_number(patience) and patience >= 0, do: raise(ArgumentError, "gate: patience is a number of seconds, 0 or more")
    unless is_atom(name), do: raise(ArgumentError, "gate: a name is an atom, for example :taking")
    if name, do: freed(name)

    pid =
      spawn(fn ->
        Process.put(__MODULE__, true)
        closed(%{n: n, patience: patience, left: patience * 1000, waiting: []})
      end)

    if name, do: Process.register(pid, name)
    pid
  end

  @doc "Come to the gate, and stay until it opens. One whose name nobody has lets pass."
  def arrive(gate) do
    case pid(gate) do
      nil -> :ok
      pid -> call(pid, :arrive)
    end
  end

  @doc "Calls that had come when it opened."
  def arrived(gate), do: call(pid(gate), :arrived)

  @doc "Let everybody pass from now on."
  def open(gate), do: call(pid(gate), :open)

  @doc "The same function, each call of which is held before it is made."
  def before(gate, function), do: like(function, fn values -> arrive(gate) && apply(function, values) end)

  @doc "The same function, each call of which is held when it has its result."
  def unquote(:after)(gate, function) do
    like(function, fn values ->
      value = apply(function, values)
      arrive(gate)
      value
    end)
  end

  # A function of as many values.
  for arity <- 0..6 do
    values = Macro.generate_arguments(arity, __MODULE__)
    defp like(function, made) when is_function(function, unquote(arity)), do: fn unquote_splicing(values) -> made.(unquote(values)) end
  end

  defp like(_, _), do: raise(ArgumentError, "gate: give it a function of at most 6 values")

  # A gate takes the name of one before it, and of nothing else: a server of that name would be found by nobody any more.
  defp freed(name) do
    holder = Process.whereis(name)

    cond do
      holder == nil -> :ok
      match?({:dictionary, [{__MODULE__, true} | _]}, Process.info(holder, :dictionary)) -> Process.unregister(name)
      true -> raise(ArgumentError, "gate: #{inspect(name)} is the name of another process; give the gate a name of its own")
    end
  end

  defp pid(gate) when is_pid(gate), do: gate
  defp pid(name) when is_atom(name), do: Process.whereis(name)

  defp call(pid, what) do
    ref = Process.monitor(pid)
    send(pid, {what, self(), ref})

    receive do
      {^ref, answer} ->
        Process.demonitor(ref, [:flush])
        answer

      {:DOWN, ^ref, _, _, _} ->
        exit({:noproc, "this gate has ended"})
    end
  end

  defp closed(state) do
    step = min(@step, state.left)
    due = System.monotonic_time(:millisecond) + step

    receive do
      {:arrive, from, ref} -> come(%{state | waiting: [{from, ref} | state.waiting], left: state.patience * 1000})
      {:open, from, ref} -> open(state, [{from, ref}])
      {:arrived, from, ref} -> send(from, {ref, length(state.waiting)}) && closed(state)
    after
      if(state.waiting == [], do: :infinity, else: max(0, round(step))) ->
        late = System.monotonic_time(:millisecond) - due > @late
        wait(if late, do: state, else: %{state | left: state.left - step})
    end
  end

  defp come(%{n: n, waiting: waiting} = state) when length(waiting) >= n, do: open(state, [])
  defp come(state), do: wait(state)

  defp wait(%{left: left} = state) when left > 0, do: closed(state)

  defp wait(state) do
    IO.puts(:stderr, "gate: opened with #{length(state.waiting)} of #{state.n} calls, no other came for #{state.patience} s")
    open(state, [])
  end

  defp open(state, more) do
    for {from, ref} <- more ++ state.waiting, do: send(from, {ref, :ok})
    passing(length(state.waiting))
  end

  defp passing(arrived) do
    receive do
      {:arrived, from, ref} -> send(from, {ref, arrived})
      {_, from, ref} -> send(from, {ref, :ok})
    end

    passing(arrived)
  end
end
