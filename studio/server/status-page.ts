import { html } from 'hono/html';
import { CAPABILITIES, type PermissionDiff } from '@runtime-hub/plugin-sdk/contract';
import { healthOf } from './api/app.ts';
import type { Hub } from './hub.ts';
import { pluginView } from './api/plugin-views.ts';

const STYLE = `
  :root { color-scheme: light dark; --ink: #1b2430; --soft: #5b6675; --line: #d9dee5; --paper: #fff; --good: #17714a; --bad: #b3261e; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #98a2b0; --line: #2b323d; --paper: #12151a; --good: #4bc48d; --bad: #ff8a80; } }
  body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
  h1 { font-size: 1.4rem; margin: 0 0 .25rem; } p { margin: .25rem 0 1.5rem; color: var(--soft); }
  .good { color: var(--good); } .bad { color: var(--bad); }
  table { border-collapse: collapse; width: 100%; } caption { text-align: left; font-weight: 600; padding: .5rem 0; }
  th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line); vertical-align: top; }
  th { color: var(--soft); font-weight: 500; } code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
`;

/** The page at `/`: version, health, what is installed, what it may touch, what was refused. */
export function statusPage(hub: Hub): ReturnType<typeof html> {
  const health = healthOf(hub);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Runtime Hub</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <h1>Runtime Hub ${health.version}</h1>
        <p>
          <strong class="good">● healthy</strong> · up ${Math.round(health.uptimeMs / 1000)} s ·
          ${Math.round(health.rssBytes / 1e6)} MB · data in <code>${hub.folder}</code>
        </p>
        ${devNotice(hub)} ${pluginTable(hub)} ${heldTable(hub)} ${refusedTable(hub)}
      </body>
    </html>`;
}

function devNotice({ unsigned, plugins }: Hub): ReturnType<typeof html> | '' {
  if (!unsigned.isAllowed) return '';
  const count = plugins.list().filter((it) => it.unsigned).length;
  return html`<p class="bad">
    <strong>Development mode:</strong> plugins that nobody signed may be loaded; ${count} are.
  </p>`;
}

function heldTable(hub: Hub): ReturnType<typeof html> | '' {
  const held = hub.plugins.list().flatMap((it) => {
    const view = pluginView(hub, it);
    return view.held === null ? [] : [{ id: it.manifest.id, ...view.held }];
  });
  if (held.length === 0) return '';
  const changes = ({ added, widened }: PermissionDiff) =>
    [...added, ...widened].map((it) => html`${it.words}<br />`);
  return html`<table>
    <caption>
      Updates that wait for you; what is installed keeps running
    </caption>
    ${held.map(
      ({ id, version, diff }) =>
        html`<tr>
          <td><code>${id}@${version}</code></td>
          <td>${changes(diff)}</td>
          <td><code>npx hub plugins update ${id} --approve</code></td>
        </tr>`,
    )}
  </table>`;
}

function pluginTable(hub: Hub): ReturnType<typeof html> {
  const plugins = hub.plugins.list();
  if (plugins.length === 0) {
    return html`<p>
      No plugin is installed yet. Try <code>npx hub plugins install core/flow</code>.
    </p>`;
  }
  const rows = plugins.map(
    ({ manifest, publisher, unsigned }) =>
      html`<tr>
        <td>
          <strong>${manifest.title}</strong><br /><code>${manifest.id}@${manifest.version}</code>
        </td>
        <td>${manifest.runtime}</td>
        <td>
          ${manifest.permissions.map(
            (it) => html`${CAPABILITIES[it.capability].title} <code>${it.target}</code><br />`,
          )}
        </td>
        <td>
          ${unsigned ? html`<strong class="bad">UNSIGNED</strong>` : html`<code>${publisher}</code>`}
        </td>
      </tr>`,
  );
  return html`<table>
    <caption>
      Installed plugins
    </caption>
    <tr>
      <th>Plugin</th>
      <th>Runs as</th>
      <th>Asks for</th>
      <th>Signed by</th>
    </tr>
    ${rows}
  </table>`;
}

function refusedTable(hub: Hub): ReturnType<typeof html> | '' {
  const refused = hub.plugins.refused();
  if (refused.length === 0) return '';
  return html`<table>
    <caption class="bad">
      Refused: these are on the disk but are not loaded
    </caption>
    ${refused.map(
      ({ id, error }) =>
        html`<tr>
          <td><code>${id}</code></td>
          <td><code>${error.code}</code> ${error.message}</td>
        </tr>`,
    )}
  </table>`;
}
