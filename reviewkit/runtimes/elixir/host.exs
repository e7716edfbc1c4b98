# The Elixir host: one process per kernel. Started as `elixir --erl FLAGS host.exs`.
#
# Requests are lines of `name=base64` on standard input, events lines of RS + JSON on standard output; see base.py. A cell is evaluated by a
# process that lives on between cells with its variables, its tables of ETS and what it is linked to. This file's first process only reads,
# so that it always hears a stop, and the end of the input: the kernel is gone. Runs from Elixir 1.14 on: without its JSON.

defmodule Reviewkit.Events do
  @moduledoc "What is told to the kernel, in ASCII."

  def ready, do: tell(~s({"ready":true}))
  def stream(id, name, text), do: tell(~s({"id":#{id},"stream":"#{name}","text":#{quoted(text)}}))

  @doc "How a request ended; `error` is nil or `{kind, text}`."
  def ended(id, error, began) do
    error = with {kind, text} <- error, do: ~s({"kind":"#{kind}","text":#{quoted(text)}})
    ms = System.convert_time_unit(System.monotonic_time() - began, :native, :microsecond) / 1000
    tell(~s({"id":#{id},"end":true,"error":#{error || "null"},"ms":#{ms}}))
  end

  defp tell(json), do: IO.write(:user, "\n\x1e" <> json <> "\n")
  defp quoted(text), do: IO.iodata_to_binary([?", for(<<c::utf8 <- valid(text)>>, do: escaped(c)), ?"])
  defp valid(text), do: text |> String.chunk(:valid) |> Enum.map_join(&if(String.valid?(&1), do: &1, else: "\uFFFD"))
  defp escaped(c) when c in [?", ?\\], do: [?\\, c]
  defp escaped(c) when c >= 32 and c < 127, do: c
  defp escaped(c) when c > 0xFFFF, do: [unit(0xD800 + div(c - 0x10000, 0x400)), unit(0xDC00 + rem(c - 0x10000, 0x400))]
  defp escaped(c), do: unit(c)
  defp unit(c), do: ["\\u", c |> Integer.to_string(16) |> String.pad_leading(4, "0")]
end

defmodule Reviewkit.Device do
  @moduledoc "A device of Erlang's IO protocol, output only: what cells write becomes events of the open request."
  @most 1_000_000

  def start(name), do: spawn(fn -> loop(name, nil, 0) end)
  @doc "From now on it is this request's output; returns when all that came before is told."
  def open(device, id) do
    send(device, {:open, id, self()})
    receive do: ({:opened, ^device} -> :ok)
  end

  defp loop(name, id, left) do
    receive do
      {:open, id, from} ->
        send(from, {:opened, self()})
        loop(name, id, @most)

      {:io_request, from, ref, request} ->
        {reply, text} = answer(request)
        left = show(name, id, left, text)
        send(from, {:io_reply, ref, reply})
        loop(name, id, left)

      _other ->
        loop(name, id, left)
    end
  end

  defp answer({:put_chars, encoding, data}), do: put(fn -> :unicode.characters_to_binary(data, encoding) end)
  defp answer({:put_chars, encoding, m, f, a}), do: put(fn -> :unicode.characters_to_binary(apply(m, f, a), encoding) end)
  defp answer({:put_chars, data}), do: answer({:put_chars, :latin1, data})
  defp answer({:put_chars, m, f, a}), do: answer({:put_chars, :latin1, m, f, a})

  defp answer({:requests, requests}) do
    Enum.reduce(requests, {:ok, ""}, fn request, {_, before} ->
      {reply, text} = answer(request)
      {reply, before <> text}
    end)
  end

  defp answer(request) when elem(request, 0) in [:get_until, :get_chars, :get_line], do: {:eof, ""}
  defp answer({:setopts, _}), do: {:ok, ""}
  defp answer(:getopts), do: {[binary: true, encoding: :unicode], ""}
  defp answer({:get_geometry, _}), do: {{:error, :enotsup}, ""}
  defp answer(_), do: {{:error, :request}, ""}

  defp put(text) do
    case text.() do
      text when is_binary(text) -> {:ok, text}
      _ -> {{:error, :put_chars}, ""}
    end
  rescue
    _ -> {{:error, :put_chars}, ""}
  end

  defp show(_name, nil, left, _text), do: left
  defp show(_name, _id, left, text) when left < 0 or text == "", do: left

  defp show(name, id, left, text) do
    Reviewkit.Events.stream(id, name, String.slice(text, 0, left))
    left = left - String.length(text)
    if left < 0, do: Reviewkit.Events.stream(id, "stderr", "\n[output cut after #{@most} characters]\n")
    left
  end
end

defmodule Reviewkit.Evaluator do
  @moduledoc "Evaluates one cell after another; what they leave behind is this process's."
  @own Path.join(__DIR__, "gate.exs")
  @evaluating [__MODULE__, :erl_eval, :elixir, :elixir_eval, :elixir_compiler, Code, Module.ParallelChecker, Reviewkit.Gate]

  def start(leader, mute) do
    spawn(fn ->
      Process.group_leader(self(), leader)
      loop(%{binding: [], env: Code.env_for_eval(file: "cell"), files: %{}, modules: [], mute: mute})
    end)
  end

  defp loop(state) do
    receive do
      {:request, request, from} ->
        {error, state} = answer(request, state)
        send(from, {:ended, self(), request.id, error})
        loop(state)
    end
  end

  defp answer(request, state) do
    File.cd!(request.root)

    with {nil, state} <- compiled(request.root, state) do
      if request.op == "check", do: {nil, state}, else: evaluated(request, state)
    end
  end

  # The files of the workspace, all of them when one has changed.
  defp compiled(root, state) do
    files = Path.wildcard(Path.join(root, "lib/**/*.ex")) |> Enum.sort() |> Map.new(&{&1, File.read!(&1)})

    if files == state.files do
      {nil, state}
    else
      for {_, text} <- files, do: offer(text)

      Reviewkit.Mute.during(state.mute, fn -> Kernel.ParallelCompiler.compile(Map.keys(files)) end)
      |> case do
        {:ok, modules, _} ->
          for module <- state.modules -- modules, do: {:code.purge(module), :code.delete(module)}
          {nil, %{state | files: files, modules: modules}}

        {:error, errors, _} ->
          {{"build", errors |> Enum.take(5) |> Enum.map_join("\n", &place(&1, root))}, %{state | files: %{}}}
      end
    end
  end

  # What our own modules offer to cells takes a tenth of a second to compile, and most cells do without.
  defp offer(text), do: if(String.contains?(text, "Reviewkit"), do: Code.require_file(@own))

  defp place({file, position, message}, root) do
    line = if is_tuple(position), do: elem(position, 0), else: position
    file = Path.relative_to(file, root)
    [text | _frames] = message |> String.replace(root <> "/", "") |> String.split("\n    (elixir ", parts: 2)
    text = text |> String.trim() |> String.replace(~r/^\*\* \(\w+\) (?=#{Regex.escape(file)}:)/, "")
    at = if line in [nil, 0], do: file, else: "#{file}:#{line}"
    if String.starts_with?(text, file), do: text, else: "#{at}: #{text}"
  end

  defp place(%{file: file, position: position, message: message}, root), do: place({file, position, message}, root)

  # One expression after another: Elixir 1.14 does not say on which line of evaluated code an error arose.
  defp evaluated(request, state) do
    offer(request.code)
    if request.database != "", do: System.put_env("DATABASE_URL", request.database)
    quoted = Code.string_to_quoted!(request.code, file: request.name, columns: true)
    expressions = with {:__block__, _, several} <- quoted, do: several, else: (one -> [one])
    env = %{state.env | file: request.name, line: 1}

    {binding, env} = each(expressions, state.binding, env)
    {nil, %{state | binding: binding, env: env}}
  catch
    kind, reason -> {{"error", told(kind, reason, __STACKTRACE__, request.name)}, state}
  end

  defp each([], binding, env), do: {binding, env}

  defp each([expression | rest], binding, env) do
    Process.put(:reviewkit_line, line(expression))
    {_value, binding, env} = Code.eval_quoted_with_env(expression, binding, env)
    each(rest, binding, env)
  end

  # The first that any part of it names; an atom, as nil is, comes after every number.
  defp line(expression) do
    {_, line} = Macro.prewalk(expression, nil, fn node, least -> {node, min(least, named(node))} end)
    line
  end

  defp named({_, meta, _}) when is_list(meta), do: meta[:line]
  defp named(_), do: nil

  # Without the frames by which this host evaluates.
  defp told(kind, reason, frames, name) do
    {reason, frames} = if kind == :error, do: Exception.blame(:error, reason, frames), else: {reason, frames}
    own = Enum.reject(frames, fn {module, function, _, _} -> module in @evaluating and function != :__FILE__ end)
    frames = if compile_error?(reason), do: [], else: own
    text = Exception.format(kind, reason, frames) |> String.trim_trailing()
    placed = compile_error?(reason) or Enum.any?(own, fn {_, function, _, _} -> function == :__FILE__ end)
    line = Process.get(:reviewkit_line)
    if placed or line == nil, do: text, else: "#{text}\n    #{name}:#{line}: (cell)"
  end

  defp compile_error?(%module{}), do: module in [SyntaxError, TokenMissingError, CompileError, MismatchedDelimiterError]
  defp compile_error?(_), do: false
end

defmodule Reviewkit.Mute do
  @moduledoc "Keeps what the compiler writes about errors from being shown a second time."

  def during(mute, work) do
    {shown, leader} = {Process.whereis(:standard_error), Process.group_leader()}
    register(mute)
    Process.group_leader(self(), mute)

    try do
      work.()
    after
      Process.group_leader(self(), leader)
      register(shown)
    end
  end

  def register(device) do
    if Process.whereis(:standard_error), do: Process.unregister(:standard_error)
    Process.register(device, :standard_error)
  end
end

defmodule Reviewkit.Host do
  @moduledoc "Passes requests to the evaluator, ends it when its time is over, and has a fresh one for the next."
  @orphan_ms 500
  @rounds 5
  @end_ms 1000
  @mark "REVIEWKIT_CELLS"

  @doc "The mark is in the environment of all that cells start; the kernel's side knows it as well."
  def main(mark) do
    System.put_env(@mark, mark)
    leader = Reviewkit.Device.start("stdout")
    errors = Reviewkit.Device.start("stderr")
    Reviewkit.Mute.register(errors)
    Code.compiler_options(ignore_module_conflict: true)
    logging()
    mute = Reviewkit.Device.start("stderr")
    host = spawn_link(fn -> idle(%{leader: leader, errors: errors, mute: mute, mark: mark, applications: applications(), evaluator: nil}) end)
    spawn(fn -> watch(parent(), mark) end)
    Reviewkit.Events.ready()
    read(host, mark)
  end

  defp read(host, mark) do
    case IO.gets(:user, "") do
      line when is_binary(line) ->
        send(host, request(line))
        read(host, mark)

      _ ->
        leave(mark)
    end
  end

  defp request(line) do
    parts =
      for part <- String.split(line), into: %{} do
        [name, value] = String.split(part, "=", parts: 2)
        {String.to_existing_atom(name), Base.decode64!(value)}
      end

    {:request, Map.merge(%{id: "0", op: "run", timeout: "0", code: "", name: "", root: "", database: ""}, parts)}
  end

  defp idle(state) do
    receive do
      {:request, %{op: "stop"}} ->
        idle(state)

      {:request, request} ->
        began = System.monotonic_time()
        evaluator = state.evaluator || Reviewkit.Evaluator.start(state.leader, state.mute)
        for device <- [state.leader, state.errors], do: Reviewkit.Device.open(device, request.id)
        ref = Process.monitor(evaluator)
        send(evaluator, {:request, request, self()})
        {seconds, _} = Float.parse(request.timeout)
        timer = Process.send_after(self(), {:late, request.id}, round(seconds * 1000))
        {error, alive} = running(request.id, evaluator, ref)
        Process.cancel_timer(timer)
        Process.demonitor(ref, [:flush])
        unless alive, do: clear(evaluator, state)
        Logger.flush()
        for device <- [state.leader, state.errors], do: Reviewkit.Device.open(device, nil)
        Reviewkit.Events.ended(request.id, error, began)
        idle(%{state | evaluator: if(alive, do: evaluator)})

      _late ->
        idle(state)
    end
  end

  defp running(id, evaluator, ref) do
    receive do
      {:ended, ^evaluator, ^id, error} -> {error, true}
      {:late, ^id} -> {{"timeout", ""}, false}
      {:request, %{op: "stop"}} -> {{"stopped", ""}, false}
      {:DOWN, ^ref, _, _, :killed} -> {{"memory", ""}, false}
      {:DOWN, ^ref, _, _, reason} -> {{"error", "** (EXIT from the cell's process) " <> Exception.format_exit(reason)}, false}
    end
  end

  # The evaluator, what is linked to it, and what cells have started besides, applications included.
  defp clear(evaluator, state) do
    groups = groups()
    Process.exit(evaluator, :kill)
    leaders = [state.leader, state.mute | ended(applications() -- state.applications, state.mute)]
    for pid <- Process.list(), {_, leader} <- [Process.info(pid, :group_leader)], leader in leaders, do: Process.exit(pid, :kill)
    programs(groups, state.mark)
    Reviewkit.Mute.register(state.errors)
  end

  defp applications, do: for({name, _, _} <- Application.started_applications(), do: name)

  # What an application has started is led by its master. Returns those, for what does not end in time.
  defp ended([], _mute), do: []

  defp ended(names, mute) do
    masters = for name <- names, master = :application_controller.get_master(name), is_pid(master), do: master
    Logger.flush()
    Reviewkit.Mute.register(mute)
    {pid, ref} = spawn_monitor(fn -> Enum.each(names, &Application.stop/1) end)

    receive do
      {:DOWN, ^ref, _, _, _} -> :ok
    after
      @end_ms -> Process.exit(pid, :kill)
    end

    Process.demonitor(ref, [:flush])
    Logger.flush()
    masters
  end

  defp logging do
    {:ok, _} = Application.ensure_all_started(:logger)
    Logger.configure(level: :debug, colors: [enabled: false])

    if Version.match?(System.version(), "< 1.15.0") do
      Logger.configure_backend(:console, device: :standard_error, format: "[$level] $message\n", colors: [enabled: false])
    else
      {:ok, handler} = :logger.get_handler_config(:default)
      :ok = :logger.remove_handler(:default)
      :ok = :logger.add_handler(:default, :logger_std_h, %{config: %{type: :standard_error}, formatter: handler.formatter})
    end
  end

  # A process forked off the kernel may keep the other end of the pipe open.
  defp watch(nil, _mark), do: :ok

  defp watch(parent, mark) do
    Process.sleep(@orphan_ms)
    if parent() == parent, do: watch(parent, mark), else: leave(mark)
  end

  defp parent do
    with {:ok, text} <- File.read("/proc/#{System.pid()}/stat"),
         [_, rest] <- String.split(text, ") ", parts: 2),
         [_state, parent | _] <- String.split(rest) do
      parent
    else
      _ -> nil
    end
  end

  defp leave(mark) do
    programs(groups(), mark)
  after
    System.halt(0)
  end

  # A program that a port starts leads a group of its own, which the kernel's side does not know.
  defp groups do
    for port <- :erlang.ports(), {:os_pid, pid} when is_integer(pid) <- [:erlang.port_info(port, :os_pid)], do: "-#{pid}"
  end

  # And what programs have left behind when their port was closed, where the system shows environments (Linux); more may begin meanwhile.
  defp programs(groups, mark, rounds \\ @rounds) do
    ids = groups ++ marked("#{@mark}=#{mark}")
    if ids != [], do: System.cmd("sh", ["-c", ~s(kill -9 "$@"), "sh" | ids], stderr_to_stdout: true)
    if ids != [] and rounds > 1, do: programs([], mark, rounds - 1)
  end

  defp marked(entry) do
    for {:ok, names} <- [File.ls("/proc")],
        pid <- names,
        pid =~ ~r/^\d+$/,
        {:ok, text} <- [File.read("/proc/#{pid}/environ")],
        entry in :binary.split(text, <<0>>, [:global]),
        do: pid
  end
end

Reviewkit.Host.main(List.first(System.argv()) || "")
