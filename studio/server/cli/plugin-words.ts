import type { Manifest, PermissionDiff, Problem } from '@runtime-hub/plugin-sdk/contract';
import { permissionLines } from './permissions.ts';
import { plain } from './output.ts';

/** An installed version as the hub's API tells of it. */
export interface Installed {
  readonly manifest: Manifest;
  readonly digest: string;
  readonly publisher: string;
  readonly origin: string;
  readonly unsigned: boolean;
  readonly pinned: boolean;
  readonly held: (Decision & { readonly version: string }) | null;
  readonly versions: readonly string[];
}

interface Decision {
  readonly reasons: readonly string[];
  readonly diff: PermissionDiff;
}

/** What became of an install or update, as the hub's API tells. */
export interface Outcome extends Installed, Decision {
  readonly status: 'installed' | 'held' | 'unchanged';
  readonly before: string | null;
}

const REASONS: Readonly<Record<string, string>> = {
  permissions: 'it asks for more than the version before',
  publisher: 'it comes from another publisher than the version before',
  runtime: 'it runs in another way than the version before',
  provides: 'it would answer for others what another plugin answered before',
  pinned: 'the plugin is pinned',
};

/** What changes between two sets of permissions, one line each; what nothing changes is not there. */
export function diffLines({ added, widened, narrowed, removed }: PermissionDiff): string[] {
  const lines = (sign: string, changes: PermissionDiff['added']): string[] =>
    changes.map((it) => `  ${sign} ${it.words}`);
  return [
    ...lines('+ may:        ', added),
    ...lines('± may more:   ', widened),
    ...lines('∓ may less:   ', narrowed),
    ...lines('- may no more:', removed),
  ];
}

export const reasonWords = (reasons: readonly string[]): string =>
  reasons.map((it) => REASONS[it] ?? it).join(', and ');

/** An outcome for people. */
export function outcomeText(outcome: Outcome): string {
  const { status, manifest, publisher, digest, before, reasons, diff } = outcome;
  const { id, version } = manifest;
  if (status === 'held')
    return [
      `${id} ${version} waits: ${reasonWords(reasons)}. ${before ?? 'The old version'} keeps running.`,
      ...diffLines(diff),
      `  signed by ${plain(publisher)}`,
      `Apply it with: hub plugins update ${id} --approve, or grant less: hub permissions approve ${id} --capability <name:target>`,
    ].join('\n');
  const signed = outcome.unsigned ? 'UNSIGNED' : `signed by ${plain(publisher)}`;
  const done = status === 'unchanged' ? 'Already there' : 'Installed';
  const from = before === null || before === version ? '' : ` (before: ${before})`;
  const changes = before === null ? permissionLines(manifest.permissions) : diffLines(diff);
  return [
    `${done}: ${id} ${version}${from}, ${signed} (${digest.slice(0, 19)}…).`,
    ...changes,
  ].join('\n');
}

export const problemLines = (problems: readonly Problem[]): string[] =>
  problems.map((it) => `    ${plain(it.at)}: ${plain(it.message)} (${plain(it.cure)})`);
