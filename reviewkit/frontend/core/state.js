/** The state of a review as a fold of its events. Events may come from a stranger's notebook: every value is coerced. */

export const SEVERITIES = ['blocker', 'major', 'minor', 'nit'];
export const JUDGEMENTS = ['true', 'false', 'not shown'];
export const DECISIONS = ['approve', 'request changes', 'block'];
const TEXT_MAX = 100000;

/** A string of at most `max` characters; anything else is an empty string. */
export function text(value, max = TEXT_MAX) {
  return typeof value === 'string' ? value.slice(0, max) : '';
}

/** A line number, or null. */
export function lineNumber(value) {
  return Number.isInteger(value) && value > 0 && value < 1e7 ? value : null;
}

export const asList = value => (Array.isArray(value) ? value : []);
const plain = value => (value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {});

/** A finding; its number counts all that were ever added, so that it stays when another is deleted. */
function putFinding(state, data, event) {
  const id = text(data.id, 80);
  const number = state.findings.get(id)?.number ?? (state.added += 1);
  state.findings.set(id, { ...finding(data, event), number });
}

function finding(data, event) {
  const line = lineNumber(data.line);
  return {
    id: text(data.id, 80),
    file: typeof data.file === 'string' ? text(data.file, 400) : null,
    side: data.side === 'L' ? 'L' : 'R',
    line,
    end_line: line === null ? null : Math.max(line, lineNumber(data.end_line) ?? line),
    severity: text(data.severity, 40),
    category: text(data.category, 40),
    body: text(data.body),
    why: text(data.why),
    fix: text(data.fix),
    after_exercises: data.after_exercises === true,
    t: text(event.t, 40)
  };
}

function exerciseOf(state, id) {
  const key = text(id, 80);
  if (!state.exercises.has(key)) state.exercises.set(key, { answer: null, files: new Map(), results: null });
  return state.exercises.get(key);
}

const APPLY = {
  'consent.given': (state, data, event) => (state.agreed ??= text(event.t, 40) || 'now'),
  'workbook.opened': (state, data, event) => (state.opened ??= text(event.t, 40)),
  'finding.added': putFinding,
  'finding.edited': putFinding,
  'finding.deleted': (state, data) => state.findings.delete(text(data.id, 80)),
  'claim.judged': (state, data) =>
    state.claims.set(text(data.claim, 80), { verdict: text(data.verdict, 40), why: text(data.why) }),
  'probe.run': (state, data) =>
    state.probes.set(text(data.probe, 80), { tree: text(data.tree, 40), verdict: text(data.verdict, 2000) }),
  'focus.ended': state => (state.followed = true),
  'document.shared': (state, data, event) => (state.shared ??= text(event.t, 40) || 'now'),
  'document.joined': (state, data) => state.joined.add(text(data.page, 16)),
  'review.closed': state => (state.closed = true),
  'exercise.answered': (state, data) => (exerciseOf(state, data.exercise).answer = plain(data.answer)),
  'exercise.edited': (state, data) =>
    exerciseOf(state, data.exercise).files.set(text(data.file, 400), text(data.text, 1e6)),
  'exercise.run': (state, data) => {
    exerciseOf(state, data.exercise).results = asList(data.results)
      .slice(0, 100)
      .map(row => ({ check: text(row?.check, 200), passed: row?.passed === true, seen: text(row?.seen, 2000) }));
  },
  'evidence.run': (state, data) =>
    state.evidence.set(text(data.id, 80), {
      finding: text(data.finding, 80),
      outcome: text(data.outcome, 40),
      seen: text(data.seen, 2000)
    }),
  'verdict.given': (state, data) =>
    (state.verdict = {
      decision: text(data.decision, 40),
      summary: text(data.summary),
      top: asList(data.top)
        .slice(0, 3)
        .map(id => text(id, 80))
    }),
  'workbook.submitted': (state, data, event) => (state.submitted = text(event.t, 40) || 'now')
};

/**
 * Fold events into a state.
 * @param {Array<{kind: string, data: any, t?: string}>} events in order
 */
export function fold(events) {
  const state = {
    agreed: null,
    opened: null,
    followed: false,
    shared: null,
    joined: new Set(),
    closed: false,
    submitted: null,
    added: 0,
    findings: new Map(),
    claims: new Map(),
    probes: new Map(),
    exercises: new Map(),
    evidence: new Map(),
    verdict: null
  };
  for (const event of events) {
    const apply = Object.hasOwn(APPLY, event?.kind) ? APPLY[event.kind] : null;
    if (apply) apply(state, plain(event.data), event);
  }
  return state;
}

/** Events of a notebook's metadata that have the right shape; everything else is dropped. */
export function cleanEvents(value, max = 20000) {
  return asList(value)
    .slice(0, max)
    .filter(
      event =>
        event !== null && typeof event === 'object' && typeof event.kind === 'string' && Number.isInteger(event.seq)
    )
    .sort((one, two) => one.seq - two.seq);
}
