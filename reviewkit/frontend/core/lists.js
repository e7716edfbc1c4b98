import { fill, h } from './dom.js';
import { placeText } from './composer.js';
import { gist, severityBadge } from './remark.js';

/** The lists beside the change, files and findings, when they have changed. */
export function drawLists(form) {
  const { t, tn } = form.ctx;
  const findings = [...form.ctx.model.get('state').findings.values()];
  const print = JSON.stringify(
    findings.map(finding => [finding.id, finding.file, finding.line, finding.severity, finding.body])
  );
  if (print === form.listed) return;
  form.listed = print;
  const counts = new Map();
  for (const finding of findings) counts.set(finding.file, (counts.get(finding.file) ?? 0) + 1);
  fill(
    form.fileList,
    form.files.map(file => {
      const n = counts.get(file.data.path) ?? 0;
      const slash = file.data.path.lastIndexOf('/') + 1;
      return h(
        'li',
        {},
        h(
          'button',
          { class: 'rk-item', title: file.data.path, on: { click: () => form.showFile(file) } },
          h(
            'span',
            { class: 'rk-path' },
            h('span', { class: 'rk-dim' }, file.data.path.slice(0, slash)),
            h('span', {}, file.data.path.slice(slash))
          ),
          n > 0 &&
            h(
              'span',
              { class: 'rk-count' },
              String(n),
              h('span', { class: 'rk-vh' }, ` ${tn('finding', 'findings', n)}`)
            ),
          h('span', { class: 'rk-plus' }, `+${file.data.added}`),
          h('span', { class: 'rk-minus' }, `−${file.data.removed}`)
        )
      );
    })
  );
  form.findingTitle.textContent = findings.length > 0 ? `${t('Findings')} (${findings.length})` : t('Findings');
  const place = finding =>
    finding.file === null
      ? t('Whole change')
      : finding.line === null
        ? finding.file.split('/').pop()
        : `${finding.file.split('/').pop()}:${finding.line}`;
  fill(
    form.findingList,
    findings.length > 0
      ? findings.map(finding =>
          h(
            'li',
            {},
            h(
              'button',
              {
                class: 'rk-item rk-finding',
                title: placeText(form.ctx, finding),
                on: { click: () => form.showFinding(finding.id) }
              },
              h(
                'span',
                { class: 'rk-finding-top' },
                h('span', { class: 'rk-dim' }, `#${finding.number}`),
                severityBadge(form.ctx, finding.severity, form.severities),
                h('span', { class: 'rk-dim' }, place(finding))
              ),
              h('span', { class: 'rk-gist' }, gist(finding))
            )
          )
        )
      : h('li', { class: 'rk-empty' }, t('None yet. Click a line number, or press c on a line.'))
  );
}
