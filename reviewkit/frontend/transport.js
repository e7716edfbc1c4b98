// What moves the player: play and pause, and a slider with a name. Time runs in the page that was pressed, so playing waits
// for no busy kernel, and a second page of the same notebook does not play it twice as fast.
const el = (tag, attributes) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries({ 'data-lm-suppress-shortcuts': 'true', ...attributes }))
    made.setAttribute(name, value);
  return made;
};

export default {
  render({ model, el: root }) {
    const button = el('button', { type: 'button', class: 'jupyter-button' });
    const slider = el('input', { type: 'range', min: '0', 'aria-label': 'Position' });
    let timer = null;

    const halt = () => {
      clearInterval(timer);
      timer = null;
    };
    const move = value => {
      model.set('value', Math.min(value, model.get('max')));
      if (model.get('value') >= model.get('max')) model.set('playing', false);
      model.save_changes();
    };
    const press = () => {
      const playing = !model.get('playing');
      model.set('playing', playing);
      if (playing && model.get('value') >= model.get('max')) model.set('value', 0); // played to its end: from the beginning
      model.save_changes();
      halt();
      if (playing) timer = setInterval(() => move(model.get('value') + model.get('step')), model.get('interval'));
    };
    const draw = () => {
      const playing = model.get('playing');
      if (!playing) halt();
      const label = playing ? '❚❚ Pause' : '▶ Play';
      if (button.textContent !== label) button.textContent = label;
      button.setAttribute('aria-label', playing ? 'Pause' : 'Play');
      slider.max = model.get('max');
      slider.value = model.get('value');
      slider.setAttribute('aria-valuetext', model.get('said'));
    };
    const seek = () => {
      model.set('playing', false);
      move(Number(slider.value));
    };

    button.addEventListener('click', press);
    slider.addEventListener('input', seek);
    const traits = ['value', 'max', 'playing', 'said'].map(name => `change:${name}`);
    for (const trait of traits) model.on(trait, draw);
    if (model.get('playing')) {
      model.set('playing', false); // the page that played it is gone
      model.save_changes();
    }
    draw();
    root.append(button, slider);
    return () => {
      halt();
      for (const trait of traits) model.off(trait, draw);
    };
  }
};
