import { card, lockedReason, taste, writable } from './context.js';
import { cleanFiles, words } from './bundle.js';
import { append, fill, h, uid } from './dom.js';
import { grid, wideRow } from './rows.js';
import { composer, draftName } from './composer.js';
import { drawLists } from './lists.js';
import { remark } from './remark.js';
import { markdown } from './markdown.js';
import { SEVERITIES, text } from './state.js';
import { steer } from './steer.js';
import { WHOLE, fileNode, toolbar } from './surface.js';

const ROWS_OPEN_MAX = 3000;

/** The review surface: files, their changed lines, and remarks at their places. */
export class ChangeForm {
  constructor(ctx) {
    this.ctx = ctx;
    const { spec } = ctx;
    this.severities = words(spec.severities).length > 0 ? words(spec.severities) : SEVERITIES;
    this.categories = words(spec.categories);
    this.split = (taste.get('view') ?? ctx.env.view) === 'split';
    this.remarks = new Map();
    this.composers = new Map();
    this.rows = [];
    this.files = cleanFiles(spec).map((data, at) => ({ data, at, open: false, rows: [] }));
    this.card = card(ctx, {
      title: text(spec.title, 300) || ctx.t('The change'),
      kind: 'rk-change',
      label: ctx.t('Change under review')
    });
    this.node = this.card.node;
    this.#frame();
    this.steer = steer(this);
    let room = ROWS_OPEN_MAX;
    for (const file of this.files) {
      room -= file.data.size;
      if (room >= 0 || file.at === 0) this.open(file);
    }
    this.#restoreDrafts();
    this.update();
  }

  #frame() {
    const { t, tn } = this.ctx;
    const sum = key => this.files.reduce((total, file) => total + file.data[key], 0);
    this.card.aside.append(
      h('span', {}, tn('%1 file', '%1 files', this.files.length)),
      h('span', { class: 'rk-plus' }, h('span', { class: 'rk-vh' }, t('lines added')), `+${sum('added')}`),
      h('span', { class: 'rk-minus' }, h('span', { class: 'rk-vh' }, t('lines removed')), `−${sum('removed')}`)
    );
    this.say = h('span', { class: 'rk-vh', role: 'status' });
    this.fileList = h('ul', { class: 'rk-list' });
    this.findingList = h('ol', { class: 'rk-list rk-findings' });
    this.findingTitle = h('h4', { id: uid() });
    const fileTitle = h('h4', { id: uid() }, t('Files'));
    this.fileList.setAttribute('aria-labelledby', fileTitle.id);
    this.findingList.setAttribute('aria-labelledby', this.findingTitle.id);
    this.wholeNotes = h('div', { class: 'rk-notes' });
    const description = text(this.ctx.spec.description, 50000);
    const about = description.trim()
      ? h(
          'details',
          { class: 'rk-about', open: taste.get('about') === 'open' },
          h('summary', {}, t('Author’s description')),
          markdown(description)
        )
      : null;
    about?.addEventListener('toggle', () => taste.set('about', about.open ? 'open' : 'shut'));
    this.main = h(
      'div',
      { class: 'rk-files' },
      this.files.map(file => fileNode(this, file))
    );
    append(this.card.body, [
      about,
      toolbar(this),
      this.wholeNotes,
      h(
        'div',
        { class: 'rk-columns' },
        h(
          'nav',
          { class: 'rk-side', 'aria-label': t('Files and findings') },
          fileTitle,
          this.fileList,
          this.findingTitle,
          this.findingList
        ),
        this.main
      ),
      this.say
    ]);
  }

  /** Build the rows of a file and show them. */
  open(file) {
    if (file.rows.length === 0 && file.data.size > 0) {
      const built = grid(this.ctx, file.data, file.at, this.split);
      fill(file.grid, built.node);
      file.rows = built.rows;
      file.byPlace = null;
      this.#place(file);
    }
    file.open = true;
    file.grid.hidden = false;
    file.toggle.setAttribute('aria-expanded', 'true');
    this.#index();
  }

  shut(file) {
    file.open = false;
    file.grid.hidden = true;
    file.toggle.setAttribute('aria-expanded', 'false');
    this.#index();
  }

  setView(view) {
    const split = view === 'split';
    taste.set('view', view);
    if (split === this.split) return;
    this.split = split;
    const here = this.steer.current?.rk ?? null;
    for (const file of this.files) {
      for (const node of file.rows.length > 0 ? [...this.remarks.values(), ...this.composers.values()] : [])
        if (file.grid.contains(node.row)) node.row.remove();
      file.rows = [];
      if (file.open) this.open(file);
      else fill(file.grid);
    }
    this.update();
    if (here)
      this.steer.moveTo(
        this.rows.find(
          row => row.rk.file === here.file && (row.rk.R === here.R || (here.L !== null && row.rk.L === here.L))
        ) ?? this.rows[0],
        { focus: false }
      );
  }

  #index() {
    this.rows = this.files.filter(file => file.open).flatMap(file => file.rows);
    for (const file of this.files) file.byPlace = null;
    this.steer?.reset();
  }

  /** The row that shows a place, or null where the diff does not show it. */
  rowAt(place) {
    const file = this.files.find(one => one.data.path === place.file);
    if (!file || place.line === null) return null;
    file.byPlace ??= new Map(
      file.rows.flatMap(row =>
        [row.rk.L !== null && [`L${row.rk.L}`, row], row.rk.R !== null && [`R${row.rk.R}`, row]].filter(Boolean)
      )
    );
    for (let line = place.end_line ?? place.line; line >= place.line; line -= 1) {
      const row = file.byPlace.get(`${place.side}${line}`);
      if (row) return row;
    }
    return null;
  }

  /** Put a remark or composer below its line, or at the top of its file or of the change. */
  #attach(item, place) {
    const target = this.rowAt(place);
    item.row?.remove();
    if (target) {
      item.row = wideRow(item.node, 'rk-note-row');
      let after = target;
      while (after.nextElementSibling?.classList.contains('rk-note-row')) after = after.nextElementSibling;
      after.after(item.row);
    } else {
      item.row = h('div', { class: 'rk-note' }, item.node);
      const file = this.files.find(one => one.data.path === place.file);
      (file?.notes ?? this.wholeNotes).append(item.row);
    }
  }

  #place(file) {
    for (const item of [...this.remarks.values(), ...this.composers.values()])
      if (item.place.file === file.data.path) this.#attach(item, item.place);
  }

  /** Open the form for a new remark, or for a change to one. */
  compose(place, finding = null, { focus = true } = {}) {
    if (!writable(this.ctx)) return this.announce(lockedReason(this.ctx));
    const name = draftName(place, finding);
    let item = this.composers.get(name);
    if (!item) {
      const file = this.files.find(one => one.data.path === place.file);
      if (file && !file.open) this.open(file);
      const form = composer(this.ctx, {
        place,
        finding,
        severities: this.severities,
        categories: this.categories,
        close: saved => this.#closed(name, saved)
      });
      item = { ...form, place, finding, row: null, from: this.steer.current };
      this.composers.set(name, item);
      this.#attach(item, place);
      if (finding) this.remarks.get(finding.id)?.row.classList.add('rk-editing');
    }
    if (focus) {
      item.node.scrollIntoView({ block: 'nearest' });
      item.focus();
    }
  }

  #closed(name, saved) {
    const item = this.composers.get(name);
    this.composers.delete(name);
    item.row.remove();
    if (item.finding) this.remarks.get(item.finding.id)?.row.classList.remove('rk-editing');
    this.announce(saved ? this.ctx.t('Finding recorded.') : this.ctx.t('Closed without recording.'));
    const row = this.rowAt(item.place);
    if (row) this.steer.moveTo(row);
    else
      (item.place.file === null
        ? this.wholeButton
        : this.files.find(file => file.data.path === item.place.file)?.comment
      )?.focus();
  }

  #restoreDrafts() {
    for (const name of this.ctx.drafts.names('finding:')) {
      const draft = this.ctx.drafts.get(name);
      if (!draft?.open || !draft.place) continue;
      const finding = name.startsWith('finding:edit:')
        ? this.ctx.model.get('state').findings.get(name.slice('finding:edit:'.length))
        : null;
      if (finding === undefined) continue;
      this.compose(draft.place, finding, { focus: false });
    }
  }

  /** Tell people who cannot see the page. */
  announce(message) {
    this.say.textContent = message;
  }

  /** Draw what the record says now. */
  update() {
    const canWrite = writable(this.ctx);
    this.card.lock(lockedReason(this.ctx));
    for (const button of [this.commentButton, this.wholeButton, ...this.files.map(file => file.comment)])
      button.disabled = !canWrite;
    this.views.forEach((button, at) => button.setAttribute('aria-pressed', String((at === 1) === this.split)));
    if (canWrite && this.couldWrite === false) this.#restoreDrafts();
    this.couldWrite = canWrite;
    this.#updateRemarks(canWrite);
    drawLists(this);
  }

  #updateRemarks(canWrite) {
    const state = this.ctx.model.get('state');
    for (const [id, item] of this.remarks) {
      if (state.findings.has(id)) continue;
      item.row.remove();
      this.remarks.delete(id);
    }
    for (const finding of state.findings.values()) {
      const evidence = [...state.evidence.values()].filter(item => item.finding === finding.id);
      const print = JSON.stringify([{ ...finding, t: '' }, canWrite, evidence]);
      const old = this.remarks.get(finding.id);
      if (old?.print === print && old.row.isConnected === this.node.isConnected && old.row.parentNode) continue;
      old?.row.remove();
      const place = { file: finding.file, side: finding.side, line: finding.line, end_line: finding.end_line };
      const remove = () => {
        this.ctx.model.op('finding.deleted', { id: finding.id });
        this.announce(this.ctx.t('Finding deleted.'));
        const row = this.rowAt(place);
        if (row) this.steer.moveTo(row);
        else this.wholeButton.focus();
      };
      const node = remark(this.ctx, finding, {
        severities: this.severities,
        canWrite,
        remove,
        edit: () => this.compose(place, finding)
      });
      node.addEventListener('rk-leave', () => this.rowAt(place) && this.steer.moveTo(this.rowAt(place)));
      const item = { node, place, print, row: null };
      this.remarks.set(finding.id, item);
      this.#attach(item, place);
      item.row.classList.toggle('rk-editing', this.composers.has(draftName(place, finding)));
    }
  }

  showFile(file) {
    if (!file.open) this.open(file);
    file.node.scrollIntoView({ block: 'start' });
    file.rows[0] ? this.steer.moveTo(file.rows[0], { scroll: false }) : file.toggle.focus();
  }

  showFinding(id) {
    const item = this.remarks.get(id);
    const file = this.files.find(one => one.data.path === item?.place.file);
    if (file && !file.open) this.open(file);
    if (!item) return;
    item.node.scrollIntoView({ block: 'center' });
    item.node.focus({ preventScroll: true });
  }

  /** Commands of the palette and of the settings' shortcuts. */
  command(name) {
    if (name === 'comment') this.steer.comment();
    else if (name === 'comment-change') this.compose(WHOLE);
    else if (name === 'toggle-view') this.setView(this.split ? 'unified' : 'split');
    else if (name === 'next-finding') this.#nextFinding();
    else return false;
    return true;
  }

  #nextFinding() {
    const ids = [...this.ctx.model.get('state').findings.keys()];
    const at = ids.indexOf(document.activeElement?.closest?.('[data-finding]')?.getAttribute('data-finding') ?? '');
    if (ids.length > 0) this.showFinding(ids[(at + 1) % ids.length]);
  }

  dispose() {
    this.steer.dispose();
  }
}
