import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { sha256Of, unboundedKey, verifyUnlogged } from '../../artifact/index.ts';
import { formerOf } from '../../check/index.ts';
import {
  HubError,
  type Finding,
  type PluginRecord,
  type PublishReceipt,
} from '../../contract/index.ts';
import { listKeys } from '../keys/key-store.ts';
import { publishToken, registryUrl } from '../keys/logins.ts';
import { COMMON_OPTIONS, findingCounts, findingLines, print, type Command } from '../output.ts';
import {
  bundleFile,
  check,
  packedFrom,
  pluginFolder,
  requireClean,
  writePacked,
  type Packed,
} from '../project.ts';
import { openRegistry, type RegistryApi } from '../registry-api.ts';
import { SIGN_OPTIONS, signAs, type SignOptions } from './sign.ts';

const HELP = `hub-plugin publish [folder | artifact.tgz] [--registry <url>] [--key <key>] [--dry-run]
hub-plugin publish [folder] --keyless --fulcio <url> [--registry <url>]

Packs, checks against the rules and against the version before, signs, and sends all to the registry. The registry is
--registry, $HUB_REGISTRY, else the one you signed in to. The token comes from $HUB_TOKEN or hub-plugin login, never from
the command line. A bundle beside an artifact that still fits it is used again. What was published can't be changed or
taken back, only deprecated, yanked or revoked.
--dry-run   all but sending it`;

export const publishCommand: Command = {
  name: 'publish',
  summary: 'pack, check, sign and publish',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        ...SIGN_OPTIONS,
        registry: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const tell = (text: string): void => void (values.json || console.error(text));
    const registry = openRegistry(registryUrl(values.registry));
    const packed = await packedFrom(positionals[0]);
    const { id, version } = packed.manifest;
    const token = publishToken(registry.url, namespaceOf(packed));
    tell(`Checking ${id} ${version} …`);
    const known = await registry.plugin(id, token);
    const twin = known?.versions.find((it) => it.version === version);
    if (twin?.digest === packed.artifact.digest) {
      print(twin, values.json, () => `${id} ${version} is there already, with these very bytes.`);
      return 0;
    }
    const findings = await checkAgainst(registry, packed, known);
    if (findings.length > 0) tell(`${findingLines(findings)}\n`);
    tell(`${findingCounts(findings)}.`);
    requireClean(packed, findings);
    const { file, bundle } = await signed(packed, positionals[0], values);
    if (values['dry-run']) {
      const said = `Would publish ${id} ${version} from ${file}.`;
      print({ id, version, file, findings }, values.json, () => said);
      return 0;
    }
    tell(`Sending ${String(packed.bytes.length)} bytes to ${registry.url} …`);
    const receipt = await send(registry, packed, bundle, token);
    print(receipt, values.json, () => receiptLines(receipt));
    return 0;
  },
};

const namespaceOf = ({ manifest }: Packed): string => manifest.id.split('/')[0] ?? '';

/** What the rules find, with what the registry knows: the version before, the size it takes. */
async function checkAgainst(
  registry: RegistryApi,
  packed: Packed,
  known: PluginRecord | null,
): Promise<readonly Finding[]> {
  const { limits } = await registry.discover();
  if (packed.bytes.length > limits.artifactBytes)
    throw new HubError('REGISTRY_BODY_TOO_LARGE', { maxBytes: limits.artifactBytes });
  const manifests = (known?.versions ?? []).map((it) => it.manifest);
  const former = formerOf(manifests, packed.manifest.version);
  return check(packed, former === undefined ? {} : { former });
}

/** The artifact's file and its bundle: the one beside it while it fits, so that a repeated publish sends the same; else a new one. */
async function signed(
  packed: Packed,
  source: string | undefined,
  options: SignOptions,
): Promise<{ readonly file: string; readonly bundle: string }> {
  const isFile = source?.endsWith('.tgz') === true;
  const file = isFile ? source : await writePacked(pluginFolder(source), packed);
  const place = bundleFile(file);
  if (existsSync(place) && !options.keyless && options.key === undefined) {
    const kept = await readFile(place, 'utf8');
    if (isOwnSignature(packed.bytes, kept)) return { file, bundle: kept };
  }
  const { bundle } = await signAs(packed.bytes, namespaceOf(packed), options);
  await writeFile(place, bundle);
  return { file, bundle };
}

function isOwnSignature(bytes: Uint8Array, bundle: string): boolean {
  const keys = new Map(listKeys().map(({ hint, spki }) => [hint, unboundedKey(spki)]));
  try {
    verifyUnlogged(bytes, bundle, { keys });
    return true;
  } catch {
    return false;
  }
}

/** Sends it. Throws REGISTRY_RESPONSE_INVALID for a receipt over something else. */
async function send(
  registry: RegistryApi,
  { bytes, artifact, manifest }: Packed,
  bundle: string,
  token: string,
): Promise<PublishReceipt> {
  const key = sha256Of(Buffer.from(`${artifact.digest}\n${bundle}`));
  const receipt = await registry.publish({ artifact: bytes, bundle, key }, token);
  const { id, version, digest } = receipt;
  if (id === manifest.id && version === manifest.version && digest === artifact.digest)
    return receipt;
  const detail = 'the receipt speaks of another artifact';
  throw new HubError('REGISTRY_RESPONSE_INVALID', { registry: registry.url, detail });
}

function receiptLines({ id, version, state, logIndex, digest }: PublishReceipt): string {
  const what =
    state === 'active'
      ? `Published ${id} ${version}.`
      : `The registry has ${id} ${version} and holds it (${state}) until it was reviewed or has waited long enough.`;
  return [what, `  leaf ${String(logIndex)} of the registry’s log, ${digest}`].join('\n');
}
