import { fill, h, uid } from './dom.js';
import { dayTime } from './context.js';
import { watchTerms } from './watching.js';
import { asList, text } from './state.js';

const SETTLE_MS = [300, 1000, 2500]; // the cells above get their height little by little

/** Who gets the record, in one sentence. */
function reader(ctx, terms) {
  const to = text(terms.intake, 200);
  return to
    ? ctx.t('The people who invited you. It is sent to %1 as you work.', to)
    : ctx.t('The people who invited you. Nothing is sent: at the end you hand in a file.');
}

/** Which stage is open when, where the invite says so. */
function days(ctx, terms) {
  const opens = name => Number(terms.stages?.[name]) * 1000;
  const lines = [
    ['architecture', at => ctx.t('The architecture (drawing and explanation): from %1.', at)],
    ['degraded', at => ctx.t('The system in trouble: from %1.', at)]
  ];
  const found = lines.filter(([name]) => opens(name) > 0).map(([name, say]) => say(dayTime(opens(name))));
  return found.length > 0 ? h('ul', {}, [ctx.t('The review: now.'), ...found].map(line => h('li', {}, line))) : null;
}

/** The terms as a list of questions and answers. */
function termList(ctx, terms) {
  const recorded = asList(ctx.spec.recorded).map(item => h('li', {}, text(item, 300)));
  const rows = [
    [ctx.t('What is recorded'), recorded.length > 0 ? h('ul', {}, recorded) : ctx.t('What you write and run in this workbook.')],
    [ctx.t('What is not'), ctx.t('No keystrokes, no screen, no camera, no network traffic. You can see and download the record at any time.')],
    [ctx.t('Who reads it'), reader(ctx, terms)],
    [ctx.t('Who may watch'), watchTerms(ctx, terms)],
    [ctx.t('How long it is kept'), ctx.t('%1 days, as the people who invited you say; then they delete it.', terms.retention_days)],
    [ctx.t('AI assistants'), text(terms.policy, 2000)],
    [ctx.t('Time'), ctx.t('%1 minutes, counted from when you agree. You may stop and come back.', terms.minutes)],
    [ctx.t('What opens when'), days(ctx, terms)]
  ].filter(([, value]) => value !== null);
  return h(
    'dl',
    { class: 'rk-terms' },
    rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))
  );
}

/**
 * The first screen: what is recorded, who reads it, for how long, and the policy on AI assistants. Nothing is recorded until
 * the candidate agrees; afterwards it stays in reach, folded.
 */
export function consent(ctx) {
  const title = uid('rk-consent');
  const node = h('section', { class: 'rk-consent', 'aria-labelledby': title, hidden: true });
  const say = h('p', { class: 'rk-say', role: 'status' });
  let shown = '';

  const agree = terms => {
    const data = { policy_text: terms.policy_text, retention_days: terms.retention_days, intake: terms.intake };
    // The fixed id makes it one event however many tabs agree.
    ctx.model.op('consent.given', data, `consent-${ctx.model.get('status').record}`.slice(0, 80));
  };

  function ask(terms) {
    const yes = h('button', { class: 'rk-button rk-primary', on: { click: () => agree(terms) } }, ctx.t('I agree, begin'));
    const leave = () =>
      (say.textContent = ctx.t('Nothing was recorded. You can close this page, and tell the people who invited you what holds you back.'));
    const no = h('button', { class: 'rk-button', on: { click: leave } }, ctx.t('I do not agree'));
    say.textContent = '';
    fill(
      node,
      h('h2', { id: title, class: 'rk-title' }, ctx.t('Before you begin')),
      termList(ctx, terms),
      h('div', { class: 'rk-actions' }, yes, no),
      say
    );
    bringIntoView();
  }

  /** Below the title the buttons may lie out of sight. Nobody should have to look for them; who scrolls or types is left alone. */
  function bringIntoView() {
    const timers = SETTLE_MS.map(wait => setTimeout(() => node.isConnected && node.scrollIntoView({ block: 'nearest' }), wait));
    const leave = () => timers.forEach(clearTimeout);
    for (const event of ['wheel', 'keydown', 'pointerdown']) window.addEventListener(event, leave, { once: true, capture: true });
  }

  function keep(terms) {
    const focused = node.contains(document.activeElement);
    const summary = h('summary', { id: title }, ctx.t('What you agreed to'));
    fill(node, h('details', {}, summary, termList(ctx, terms)));
    if (focused) summary.focus();
  }

  return {
    node,
    update() {
      const { terms, mode, loaded } = ctx.model.get('status');
      const { agreed } = ctx.model.get('state');
      const next = !terms || mode !== 'live' || !loaded ? 'none' : agreed ? 'agreed' : 'asked';
      if (next === shown) return;
      shown = next;
      node.hidden = next === 'none';
      node.classList.toggle('rk-asking', next === 'asked');
      if (next === 'asked') ask(terms);
      if (next === 'agreed') keep(terms);
    }
  };
}
