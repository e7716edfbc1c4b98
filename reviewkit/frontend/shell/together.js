const INPUTS = ['input', 'keydown', 'paste', 'drop', 'cut'];
const JUST_MS = 1000;

/**
 * A workbook that several people have open as one shared document (jupyter-collaboration). The record lives on the server; what
 * another page recorded is fetched when the copy in the shared metadata changes. Only made for granted workbooks.
 */
export class Together {
  constructor(workbook) {
    this.workbook = workbook;
    this.model = workbook.panel.context.model;
    this.cells = this.model.cells;
    this.told = (_, change) => change.key === 'reviewkit' && workbook.refreshSoon();
    // Whether an output may be drawn is each page's own, so a guest would see text in place of plots and plain forms. The grant
    // says that this server made the workbook, and who joins may run code here anyway.
    this.trust = () => {
      for (const cell of this.cells) if (cell.type === 'code' && !cell.trusted) cell.trusted = true;
    };
    this.typed = { cell: null, at: 0 };
    this.input = ({ target }) => {
      const found = workbook.panel.content.widgets.find(one => one.node.contains(target));
      if (found) this.typed = { cell: found.model.id, at: Date.now() };
    };
    for (const kind of INPUTS) workbook.panel.node.addEventListener(kind, this.input, true);
    this.model.metadataChanged.connect(this.told);
    this.cells.changed.connect(this.trust);
    this.trust();
  }

  /** Whether it is the person at this page who just typed in a cell: the others' pages see the same change, and must not record it too. */
  isTyping(cell) {
    return this.typed.cell === cell && Date.now() - this.typed.at < JUST_MS;
  }

  dispose() {
    for (const kind of INPUTS) this.workbook.panel.node.removeEventListener(kind, this.input, true);
    this.model.metadataChanged.disconnect(this.told);
    this.cells.changed.disconnect(this.trust);
  }
}
