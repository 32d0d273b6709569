import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseManifest, readArtifact, type Artifact } from '../artifact/index.ts';
import { checkArtifact, type Surroundings } from '../check/index.ts';
import { HubError, type Finding, type Manifest, type Problem } from '../contract/index.ts';
import { usage } from './output.ts';
import { packPlugin } from './pack-plugin.ts';

/** A packed plugin in memory. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly artifact: Artifact;
  readonly manifest: Manifest;
}

/** The author's folder: the one that was named, else the current one. Throws HUB_REQUEST_INVALID when no plugin is in it. */
export function pluginFolder(named: string | undefined): string {
  const folder = resolve(named ?? '.');
  const has = (name: string): boolean => existsSync(join(folder, name));
  if (has('plugin.ts') || has('plugin.py')) return folder;
  throw usage(
    'folder',
    folder,
    'Go to a folder with plugin.ts or plugin.py, or make one: hub-plugin new <folder>',
  );
}

/** Packs a folder in memory. Throws ARTIFACT_BUILD_FAILED with file and line, or what the manifest is refused for. */
export async function packFolder(folder: string): Promise<Packed> {
  try {
    return readPacked(await packPlugin(folder));
  } catch (error) {
    const problems = buildProblems(error, folder);
    if (problems.length === 0) throw error;
    throw new HubError('ARTIFACT_BUILD_FAILED', { problems }, { cause: error });
  }
}

/** A packed plugin from its file, or from the folder that it is packed from first. */
export async function packedFrom(source: string | undefined): Promise<Packed> {
  if (source === undefined || !source.endsWith('.tgz'))
    return await packFolder(pluginFolder(source));
  if (!existsSync(source)) throw new HubError('ARTIFACT_NOT_FOUND', { source });
  return readPacked(await readFile(source));
}

/** What the rules find, errors and all. */
export const check = (
  { artifact, manifest }: Packed,
  surroundings: Surroundings = {},
): readonly Finding[] => checkArtifact(artifact, manifest, surroundings);

/** Throws PUBLISH_RULES_BROKEN when a finding is an error. */
export function requireClean({ manifest }: Packed, findings: readonly Finding[]): void {
  const errors = findings.filter((it) => it.severity === 'error');
  if (errors.length === 0) return;
  const rules = [...new Set(errors.map((it) => it.rule))].join(', ');
  throw new HubError('PUBLISH_RULES_BROKEN', { plugin: manifest.id, rules, findings: errors });
}

/** Writes the artifact to `dist/` of the folder and gives its path. */
export async function writePacked(folder: string, { bytes, manifest }: Packed): Promise<string> {
  const file = artifactFile(folder, manifest);
  await mkdir(join(folder, 'dist'), { recursive: true });
  await writeFile(file, bytes);
  return file;
}

export const artifactFile = (folder: string, { id, version }: Manifest): string =>
  join(folder, 'dist', `${id.replace('/', '-')}-${version}.tgz`);

/** Where the bundle of an artifact stands. */
export const bundleFile = (artifact: string): string => `${artifact}.bundle.json`;

function readPacked(bytes: Uint8Array): Packed {
  const artifact = readArtifact(bytes);
  const text = Buffer.from(artifact.files.get('manifest.json') ?? []).toString('utf8');
  return { bytes, artifact, manifest: parseManifest(jsonOf(text)) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const detail = 'manifest.json is missing or no JSON';
    throw new HubError('ARTIFACT_MALFORMED', { rule: 'manifest', detail }, { cause: error });
  }
}

/** What esbuild says of a source that does not build; none for any other error. */
function buildProblems(error: unknown, folder: string): readonly Problem[] {
  const cause = error instanceof Error ? error.cause : undefined;
  // SAFETY: esbuild's failure has this form (esbuild.BuildFailure); anything else has no errors.
  const { errors } = (cause ?? {}) as {
    readonly errors?: readonly {
      readonly text: string;
      readonly location: {
        readonly file: string;
        readonly line: number;
        readonly column: number;
        readonly lineText: string;
      } | null;
    }[];
  };
  if (!Array.isArray(errors)) return [];
  return errors.map(({ text, location }) => {
    if (location === null) return { at: 'plugin.ts', message: text, cure: 'mend it' };
    const file = relative(folder, resolve(location.file));
    const at = `${file}:${String(location.line)}:${String(location.column + 1)}`;
    return { at, message: text, cure: location.lineText.trim().slice(0, 120) };
  });
}
