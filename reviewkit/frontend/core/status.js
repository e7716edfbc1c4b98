import { fill, h, uid } from './dom.js';
import { clockTime } from './context.js';
import { consent } from './consent.js';
import { standing } from './standing.js';
import { sharing } from './sharing.js';
import { text } from './state.js';

/** What one event says, in words that a candidate understands. */
export function eventText(ctx, event) {
  const data = event.data ?? {};
  const { t } = ctx;
  const place = () =>
    typeof data.file === 'string'
      ? `${text(data.file, 200)}${Number.isInteger(data.line) ? `:${data.line}` : ''}`
      : t('whole change');
  const words = {
    'consent.given': () => t('Agreed to the first screen'),
    'workbook.opened': () => t('Workbook opened'),
    'finding.added': () => t('Finding added at %1', place()),
    'finding.edited': () => t('Finding edited at %1', place()),
    'finding.deleted': () => t('Finding deleted'),
    'claim.judged': () => t('Claim %1 judged: %2', text(data.claim, 80), text(data.verdict, 40)),
    'probe.run': () => t('Probe %1 run', text(data.probe, 80)),
    'focus.ended': () => t('Interviewer let follow'),
    'document.shared': () => t('Link to join handed over'),
    'document.joined': () => t('Another browser joined: %1', text(data.name, 80)),
    'review.closed': () => t('Review part closed'),
    'exercise.answered': () => t('Exercise %1 answered', text(data.exercise, 80)),
    'exercise.edited': () => t('Exercise %1: %2 edited', text(data.exercise, 80), text(data.file, 200)),
    'exercise.run': () => t('Exercise %1: public checks run', text(data.exercise, 80)),
    'evidence.run': () => t('Evidence run: %1', text(data.outcome, 40)),
    'verdict.given': () => t('Verdict: %1', text(data.decision, 40)),
    'workbook.submitted': () => t('Submitted')
  };
  return Object.hasOwn(words, event.kind) ? words[event.kind]() : text(event.kind, 60);
}

/** One line: how the record is doing, and the time box. */
export function status(ctx) {
  const given = Number.isInteger(ctx.spec.minutes) ? ctx.spec.minutes : null;
  const first = consent(ctx);
  const line = standing(ctx, { minutes: given, spoken: ctx.env.spoken ?? true });
  const retry = h(
    'button',
    { class: 'rk-button', hidden: true, on: { click: () => ctx.model.act('retry') } },
    ctx.t('Try again')
  );
  const download = h(
    'button',
    { class: 'rk-button', on: { click: () => ctx.model.act('download') } },
    ctx.t('Download my answers')
  );
  const log = h('ol', { class: 'rk-log', tabindex: 0, id: uid(), 'aria-label': ctx.t('What was recorded') });
  const refused = h('ul', { class: 'rk-refused' });
  const details = h(
    'details',
    { class: 'rk-record', on: { toggle: () => draw() } },
    h('summary', {}, ctx.t('What was recorded')),
    log
  );
  const note = h('p', { class: 'rk-locked', hidden: true });
  const share = sharing(ctx);
  const node = h(
    'section',
    { class: 'rk-card rk-status', 'aria-label': ctx.t('Record') },
    first.node,
    h('div', { class: 'rk-status-line' }, line.nodes, retry, download),
    note,
    refused,
    details,
    share.node
  );

  function draw() {
    const events = ctx.model.get('events');
    if (!details.open) return;
    fill(
      log,
      events
        .slice(-500)
        .map(event =>
          h(
            'li',
            {},
            h('time', {}, clockTime(event.t)),
            ' ',
            eventText(ctx, event),
            event.seq ? null : ` (${ctx.t('not sent yet')})`
          )
        )
    );
  }

  return {
    node,
    update() {
      const now = ctx.model.get('status');
      first.update();
      line.update();
      share.update();
      note.hidden = !(now.message && now.mode !== 'live');
      note.textContent = now.message;
      const unsent = ['offline', 'refused'].includes(now.delivery?.phase);
      retry.hidden = !(now.parked.length > 0 || (now.offline && now.waiting > 0) || unsent);
      const problems = now.problems.map(problem => text(problem?.message, 400));
      fill(
        refused,
        [
          ...now.parked.map(entry => `${eventText(ctx, entry)}: ${text(entry.parked, 400)}`),
          ...problems,
          ...(now.waiting > 0 && now.fault ? [text(now.fault, 400)] : [])
        ].map(line => h('li', {}, line))
      );
      draw();
    },
    dispose: line.dispose
  };
}
