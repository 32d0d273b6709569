import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { signArtifact, type OidcLogin } from '../../artifact/index.ts';
import { ciToken } from '../keys/ci-token.ts';
import { signingKey } from '../keys/key-store.ts';
import { COMMON_OPTIONS, print, usage, type Command } from '../output.ts';
import { bundleFile, packedFrom, pluginFolder, writePacked } from '../project.ts';

const HELP = `hub-plugin sign [folder | artifact.tgz] [--key <key>]
hub-plugin sign [folder | artifact.tgz] --keyless --fulcio <url>

Signs the packed plugin and writes the bundle beside it, <artifact>.bundle.json (Sigstore bundle v0.3, DSSE). A folder is
packed first. The key is the newest of the plugin's namespace unless --key names one; see hub-plugin keys.
--keyless   in CI: signs as the CI job itself. The job's OIDC token is taken from ACTIONS_ID_TOKEN_REQUEST_* (GitHub) or
            SIGSTORE_ID_TOKEN and exchanged at the Fulcio of --fulcio, or of $HUB_FULCIO, for a certificate.`;

/** The options that say who signs. */
export const SIGN_OPTIONS = {
  key: { type: 'string' },
  keyless: { type: 'boolean', default: false },
  fulcio: { type: 'string' },
} as const;

export interface SignOptions {
  readonly key?: string | undefined;
  readonly keyless: boolean;
  readonly fulcio?: string | undefined;
}

/** Signs as the options say; the bundle's text and who it says signed. */
export async function signAs(
  bytes: Uint8Array,
  namespace: string,
  options: SignOptions,
): Promise<{ readonly bundle: string; readonly signer: string }> {
  if (options.keyless) {
    const login = await oidcLogin(options.fulcio);
    return { bundle: await signArtifact(bytes, login), signer: 'this CI job' };
  }
  const key = signingKey(namespace, options.key);
  return { bundle: await signArtifact(bytes, key), signer: key.hint };
}

async function oidcLogin(given: string | undefined): Promise<OidcLogin> {
  const fulcioUrl = given ?? process.env['HUB_FULCIO'];
  if (fulcioUrl === undefined)
    throw usage('--fulcio', undefined, 'Give the address of the Fulcio that your registry trusts.');
  return { fulcioUrl, idToken: await ciToken() };
}

export const signCommand: Command = {
  name: 'sign',
  summary: 'sign the packed plugin',
  help: HELP,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...COMMON_OPTIONS, ...SIGN_OPTIONS },
      allowPositionals: true,
    });
    const [source] = positionals;
    const packed = await packedFrom(source);
    const { id, version } = packed.manifest;
    const [namespace = ''] = id.split('/');
    const { bundle, signer } = await signAs(packed.bytes, namespace, values);
    const isFile = source?.endsWith('.tgz') === true;
    const file = isFile ? source : await writePacked(pluginFolder(source), packed);
    await writeFile(bundleFile(file), bundle);
    print(
      { id, version, file, bundle: bundleFile(file), signer },
      values.json,
      () => `Signed ${id} ${version} as ${signer}: ${bundleFile(file)}`,
    );
    return 0;
  },
};
