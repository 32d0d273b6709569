import {
  inWords,
  type ErrorReport,
  type Json,
  type Manifest,
  type PermissionDiff,
  type Problem,
  type SearchPage,
} from '@runtime-hub/plugin-sdk/contract';
import { plain, print, table, usage } from './output.ts';
import { diffLines, outcomeText, problemLines, reasonWords, type Outcome } from './plugin-words.ts';
import type { Session } from './session.ts';

/** What the command line says besides the action. */
export interface PluginWords {
  readonly names: readonly string[];
  readonly json: boolean;
  readonly approve: boolean;
  readonly preview: boolean;
  readonly by: string;
  readonly filters: Readonly<Record<string, string | undefined>>;
}

type Act = (session: Session, words: PluginWords) => Promise<number>;

/** What is done with registries and versions; each gives the exit code. */
export const REGISTRY_ACTIONS: Readonly<Record<string, Act>> = {
  search,
  info,
  update,
  rollback,
  why,
  pin: async (session, words) => await setPin(session, words, true),
  unpin: async (session, words) => await setPin(session, words, false),
};

async function search(session: Session, { names, filters, json }: PluginWords): Promise<number> {
  const given = Object.entries({ q: names.join(' '), ...filters });
  const query = new URLSearchParams(
    given.filter((it): it is [string, string] => it[1] !== undefined),
  );
  const value = await ask<{
    registries: {
      origin: string;
      items: SearchPage['items'];
      error: (ErrorReport & { readonly cure: string }) | null;
    }[];
  }>(session, 'GET', `search?${query.toString()}`);
  print(value, json, () => {
    if (value.registries.length === 0)
      return 'This hub knows no registry. Add one with: hub registries add <url>';
    const rows = value.registries.flatMap(({ origin, items }) =>
      items.map((it) => [it.id, it.version, it.runtime, origin, plain(it.title)]),
    );
    const failed = value.registries.flatMap(({ error }) =>
      error === null ? [] : [`${error.code}: ${plain(error.message)}\n  → ${error.cure}`],
    );
    const found =
      rows.length === 0
        ? 'Nothing fits.'
        : table(['ID', 'VERSION', 'RUNS AS', 'FROM', 'TITLE'], rows);
    return [found, ...failed].join('\n');
  });
  return value.registries.some(({ error }) => error !== null) ? 1 : 0;
}

async function info(session: Session, words: PluginWords): Promise<number> {
  const value = await ask<{
    id: string;
    origin: string;
    newest: Manifest | null;
    versions: { version: string; state: string; publisher: string; publishedAt: number }[];
  }>(session, 'GET', idOf(words));
  print(value, words.json, () => {
    const rows = value.versions.map((it) => [
      it.version,
      it.state,
      plain(it.publisher),
      new Date(it.publishedAt).toISOString().slice(0, 10),
    ]);
    const { newest } = value;
    return [
      `${value.id} from ${value.origin}`,
      ...(newest === null ? [] : [plain(newest.description)]),
      ...(newest?.permissions.map((it) => `  asks to: ${inWords(it)} — ${plain(it.reason)}`) ?? []),
      table(['VERSION', 'STATE', 'SIGNED BY', 'PUBLISHED'], rows),
    ].join('\n');
  });
  return 0;
}

async function update(session: Session, words: PluginWords): Promise<number> {
  if (words.preview) return await preview(session, words);
  const [text = ''] = words.names;
  const [, range = '*'] = text.split('@');
  const { approve, by } = words;
  const outcome = await ask<Outcome>(session, 'POST', `${idOf(words)}/update`, {
    ...{ approve, by, range },
  });
  print(outcome, words.json, () => outcomeText(outcome));
  return 0;
}

async function preview(session: Session, words: PluginWords): Promise<number> {
  const [text = ''] = words.names;
  const [, range = '*'] = text.split('@');
  const query = new URLSearchParams({ range }).toString();
  const value = await ask<{
    id: string;
    from: string | null;
    to: string;
    reasons: string[];
    diff: PermissionDiff;
    workflows: { name: string; pins: string | null; problems: Problem[] }[];
  }>(session, 'GET', `${idOf(words)}/preview?${query}`);
  print(value, words.json, () => {
    const waits =
      value.reasons.length === 0 ? '' : `, and would wait: ${reasonWords(value.reasons)}`;
    const workflows = value.workflows.flatMap(({ name, pins, problems }) => {
      const fits = pins === null ? 'fits' : `keeps its ${pins}`;
      const state = problems.length === 0 ? fits : 'would no longer run:';
      return [`  workflow “${plain(name)}” ${state}`, ...problemLines(problems)];
    });
    return [
      `${value.id} would go from ${value.from ?? 'nothing'} to ${value.to}${waits}.`,
      ...diffLines(value.diff),
      ...workflows,
    ].join('\n');
  });
  return value.workflows.some(({ problems }) => problems.length > 0) ? 1 : 0;
}

async function rollback(session: Session, words: PluginWords): Promise<number> {
  const value = await ask<Outcome>(session, 'POST', `${idOf(words)}/rollback`, {});
  print(value, words.json, () => `Back to ${value.manifest.id} ${value.manifest.version}.`);
  return 0;
}

async function setPin(session: Session, words: PluginWords, pinned: boolean): Promise<number> {
  const [text = ''] = words.names;
  const [id, version] = text.split('@');
  if (pinned && version !== undefined) {
    const { approve, by } = words;
    const body = { source: text, approve, by };
    const outcome = await ask<Outcome>(session, 'POST', '', body);
    if (outcome.status === 'held') {
      print(outcome, words.json, () => outcomeText(outcome));
      return 1;
    }
  }
  const value = await ask<Json>(session, 'POST', `${idOf(words)}/pin`, { pinned });
  const said = pinned ? 'is pinned: no update moves it' : 'is no longer pinned';
  print(value, words.json, () => `${String(id)} ${said}.`);
  return 0;
}

interface Why {
  readonly installed: {
    readonly manifest: Manifest;
    readonly publisher: string;
    readonly origin: string;
    readonly unsigned: boolean;
    readonly pinned: boolean;
    readonly held: {
      readonly version: string;
      readonly reasons: string[];
      readonly diff: PermissionDiff;
    } | null;
  } | null;
  readonly refused: ErrorReport | null;
  readonly revoked: readonly {
    readonly version: string;
    readonly reason: string;
    readonly at: number;
  }[];
  readonly entries: readonly { readonly match: string; readonly origin?: string }[];
  readonly permissions: readonly {
    readonly words: string;
    readonly status: string;
    readonly by: string | null;
  }[];
  readonly workflows: readonly {
    readonly name: string;
    readonly pins: string | null;
    readonly lastRunAt: number;
  }[];
}

async function why(session: Session, words: PluginWords): Promise<number> {
  const value = await ask<Why>(session, 'GET', `${idOf(words)}/why`);
  print(value, words.json, () => whyText(words.names[0] ?? '', value));
  return 0;
}

function whyText(id: string, { installed, refused, ...about }: Why): string {
  const from = about.entries.map((it) => `${it.match} from ${it.origin ?? 'this hub'}`).join('; ');
  const held = installed?.held ?? null;
  return [
    ...(installed === null
      ? [
          `${id} does not run${refused === null ? '' : `: ${refused.code} ${plain(refused.message)}`}`,
        ]
      : [
          `${id} ${installed.manifest.version}, ${installed.unsigned ? 'UNSIGNED' : `signed by ${plain(installed.publisher)}`}${installed.pinned ? ', pinned' : ''}`,
        ]),
    `  allowed by the trust policy: ${from === '' ? 'no entry' : from}`,
    ...about.revoked.map(
      (it) =>
        `  REVOKED: ${it.version} on ${new Date(it.at).toISOString().slice(0, 10)}: ${plain(it.reason)}`,
    ),
    ...(held === null
      ? []
      : [`  ${held.version} waits: ${reasonWords(held.reasons)}`, ...diffLines(held.diff)]),
    ...about.permissions.map(
      (it) => `  ${it.status}: ${it.words}${it.by === null ? '' : ` (by ${plain(it.by)})`}`,
    ),
    ...about.workflows.map(
      (it) =>
        `  used by “${plain(it.name)}”${it.pins === null ? '' : `, which pins ${it.pins}`}, last run ${new Date(it.lastRunAt).toISOString().slice(0, 16)}`,
    ),
    ...(about.workflows.length === 0 ? ['  no workflow that ran here uses it'] : []),
  ].join('\n');
}

function idOf({ names: [text] }: PluginWords): string {
  const [id] = text?.split('@') ?? [];
  if (id === undefined || id === '') throw usage('id', undefined, 'Name a plugin, e.g. acme/ocr.');
  return id;
}

async function ask<T>(
  session: Session,
  method: 'GET' | 'POST',
  path: string,
  body?: Json,
): Promise<T> {
  const at = path === '' ? '' : `/${path}`;
  // SAFETY: the hub's own API.
  return (await session.client.send(method, `/api/v1/plugins${at}`, body)) as T;
}
