import { QUIET } from '../core/dom.js';
import { entrancesPlugin } from './entrances.js';
import { hub } from './hub.js';
import { Server } from './server.js';

const PLUGIN = 'reviewkit:plugin';

/** The form of a kind in the current notebook, nearest to what has the focus. */
function formNear(workbook, kind) {
  const all = [...(workbook?.forms ?? [])].filter(output => output.spec?.form === kind && output.form);
  return all.find(output => output.node.contains(document.activeElement)) ?? all[0] ?? null;
}

function commandsOf(tracker) {
  const here = () => (tracker.currentWidget ? (hub.workbooks.get(tracker.currentWidget) ?? null) : null);
  const toForm = (kind, name) => () => {
    const output = formNear(here(), kind);
    if (!output) return;
    if (name) output.form.command(name);
    else {
      output.node.scrollIntoView({ block: 'start' });
      output.node
        .querySelector('.rk-row[tabindex="0"], button:not(:disabled), summary')
        ?.focus({ preventScroll: true });
    }
  };
  return {
    has: () => here()?.isOurs ?? false,
    list: [
      ['reviewkit:show-change', hub.t('Go to the Change'), toForm('change')],
      ['reviewkit:comment', hub.t('Comment on the Chosen Lines'), toForm('change', 'comment')],
      ['reviewkit:comment-change', hub.t('Comment on the Whole Change'), toForm('change', 'comment-change')],
      ['reviewkit:next-finding', hub.t('Go to the Next Finding'), toForm('change', 'next-finding')],
      ['reviewkit:toggle-view', hub.t('Switch Between Unified and Split View'), toForm('change', 'toggle-view')],
      ['reviewkit:show-record', hub.t('Show What Was Recorded'), toForm('status')],
      ['reviewkit:download', hub.t('Download My Answers'), () => here()?.download()],
      ['reviewkit:show-submit', hub.t('Go to Submit'), toForm('submit')]
    ]
  };
}

function addCommands(app, tracker, palette) {
  const { has, list } = commandsOf(tracker);
  for (const [id, label, execute] of list) {
    app.commands.addCommand(id, {
      label,
      execute,
      isEnabled: has,
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command: id, category: hub.t('Code Review') });
  }
}

async function readSettings(registry) {
  if (!registry) return;
  try {
    const settings = await registry.load(PLUGIN);
    const read = () =>
      Object.assign(hub.settings, {
        view: settings.get('view').composite,
        singleKeys: settings.get('singleKeys').composite
      });
    settings.changed.connect(read);
    read();
  } catch {
    // Without the schema (a partial install) the defaults hold; forms must work all the same.
  }
}

/** Widgets of the hiring desk take every key themselves: an arrow on a list must choose, not move through the notebook. */
function quietWidgets() {
  const quiet = ({ target }) => target.closest?.('.rk-desk') && target.setAttribute(QUIET, 'true');
  document.addEventListener('focusin', quiet, true);
}

/** The plugin that knows notebooks (grants, record, commands; only the tracker is required), and the one with the ways in. */
export async function applicationPlugins() {
  const [{ INotebookTracker, NotebookActions }, { ServerConnection }] = await Promise.all([
    shared('@jupyterlab/notebook'),
    shared('@jupyterlab/services')
  ]);
  const optional = async (name, key) => {
    try {
      return (await shared(name))[key] ?? null;
    } catch {
      return null;
    }
  };
  const tokens = await Promise.all([
    optional('@jupyterlab/translation', 'ITranslator'),
    optional('@jupyterlab/settingregistry', 'ISettingRegistry'),
    optional('@jupyterlab/apputils', 'ICommandPalette')
  ]);
  const roles = ['translator', 'settings', 'palette'].filter((_, at) => tokens[at]);
  const entrances = await entrancesPlugin(optional).catch(() => null); // forms and record do not depend on it
  return [
    ...(entrances ? [entrances] : []),
    {
      id: PLUGIN,
      description: 'Keeps the record of a code-review workbook.',
      autoStart: true,
      requires: [INotebookTracker],
      optional: tokens.filter(Boolean),
      activate: async (app, tracker, ...given) => {
        const service = Object.fromEntries(roles.map((role, at) => [role, given[at] ?? null]));
        hub.strings = service.translator?.load('reviewkit') ?? null;
        addCommands(app, tracker, service.palette ?? null);
        quietWidgets();
        hub.open({ app, NotebookActions, server: new Server(ServerConnection) });
        tracker.widgetAdded.connect((_, panel) => void hub.of(panel));
        tracker.forEach(panel => void hub.of(panel));
        await readSettings(service.settings ?? null);
      }
    }
  ];
}
