import { pageConfig } from './early.js';
import { Server } from './server.js';

const TOKEN = /rk1\.[\w-]+\.[\w-]+/;
const DESK = 'reviewkit:open-desk';
const INVITE = 'reviewkit:open-invite';
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M4 3h16a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H9l-5 4.5V16a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zm2.5 3v2h11V6zm0 3.5v2h7v-2z"/>
</svg>`;

/** The signed text of an invite in what somebody pasted: a whole link of any kind, or the text alone; '' without one. */
function inviteIn(pasted) {
  let text = pasted;
  try {
    text = decodeURIComponent(pasted);
  } catch {
    // A lone % sign: looked at as it is.
  }
  return TOKEN.exec(text)?.[0] ?? '';
}

/** What the commands do, for both front ends. */
function entrances({ app, server, dialogs, t }) {
  const inNotebook = app.name.includes('Notebook'); // there each document is a browser tab of its own
  const at = place => new URL(place, new URL(server.settings.baseUrl, location.href)).href;

  async function openDesk() {
    // Asked for while the click still counts, or the browser takes it for an advertisement.
    const tab = inNotebook ? window.open('', '_blank') : null;
    const wait = new dialogs.Dialog({
      title: t('Hiring Desk'),
      body: t('The desk is being opened. This takes some seconds.'),
      buttons: [dialogs.Dialog.cancelButton({ label: t('Hide') })]
    });
    void wait.launch().catch(() => {});
    try {
      const path = await server.desk();
      if (tab) tab.location = at(`notebooks/${path.split('/').map(encodeURIComponent).join('/')}`);
      else await app.commands.execute('docmanager:open', { path });
    } catch (error) {
      tab?.close();
      void dialogs.showErrorMessage(t('The hiring desk was not opened'), error.message);
    } finally {
      wait.dispose();
    }
  }

  async function openInvite() {
    const asked = await dialogs.InputDialog.getText({
      title: t('Open an Invite'),
      label: t('Link of the invite'),
      okLabel: t('Open')
    });
    if (!asked.button.accept) return;
    const token = inviteIn(asked.value ?? '');
    if (token) window.open(at(`reviewkit/open/${token}?ui=${inNotebook ? 'notebook' : 'lab'}`), '_blank', 'noopener');
    else void dialogs.showErrorMessage(t('This is no invite'), t('Paste the whole link that you got, or the part of it that begins with rk1.'));
  }

  return { openDesk, openInvite };
}

/** The plugin with the ways in that need no open workbook: the hiring desk, where the server has one, and an invite. */
export async function entrancesPlugin(optional) {
  const names = [
    ['translator', '@jupyterlab/translation', 'ITranslator'],
    ['palette', '@jupyterlab/apputils', 'ICommandPalette'],
    ['launcher', '@jupyterlab/launcher', 'ILauncher']
  ];
  const [{ ServerConnection }, dialogs, ui, ...tokens] = await Promise.all([
    shared('@jupyterlab/services'),
    shared('@jupyterlab/apputils'),
    shared('@jupyterlab/ui-components'),
    ...names.map(([, name, key]) => optional(name, key))
  ]);
  const roles = names.filter((_, at) => tokens[at]).map(([role]) => role);
  return {
    id: 'reviewkit:entrances',
    description: 'Opens the hiring desk and invites.',
    autoStart: true,
    requires: [],
    optional: tokens.filter(Boolean),
    activate: (app, ...given) => {
      const service = Object.fromEntries(roles.map((role, at) => [role, given[at] ?? null]));
      const strings = service.translator?.load('reviewkit');
      const t = source => strings?.__(source) ?? source;
      const category = t('Code Review');
      const describedBy = { args: { type: 'object', properties: {} } };
      const { openDesk, openInvite } = entrances({ app, server: new Server(ServerConnection), dialogs, t });
      app.commands.addCommand(INVITE, { label: t('Open an Invite…'), execute: openInvite, describedBy });
      service.palette?.addItem({ command: INVITE, category });
      if (pageConfig()?.reviewkitDesk !== true) return;
      app.commands.addCommand(DESK, {
        label: t('Hiring Desk'),
        caption: t('Choose a scenario, invite candidates, see how far each is, score'),
        icon: new ui.LabIcon({ name: 'reviewkit:desk', svgstr: ICON }),
        execute: openDesk,
        describedBy
      });
      service.palette?.addItem({ command: DESK, category });
      service.launcher?.add({ command: DESK, category, rank: 1 });
    }
  };
}
