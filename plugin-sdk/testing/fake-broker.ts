import { manifestOf, type PluginDefinition } from '../author/index.ts';
import {
  CAPABILITIES,
  HubError,
  OPERATIONS,
  capabilityText,
  covers,
  needsOf,
  type Json,
  type Manifest,
} from '../contract/index.ts';
import { requireValid } from './require-valid.ts';
import {
  serveFiles,
  serveHttp,
  servePrograms,
  serveState,
  type RecordedCall,
  type World,
} from './world.ts';

/** Stands where the hub’s broker stands. */
export interface FakeBroker {
  /** Every call in order, also the refused ones. */
  readonly calls: readonly RecordedCall[];
  /** Files as they are now, by path. */
  readonly files: ReadonlyMap<string, string>;
  /** Kept state as it is now, by key. */
  readonly state: ReadonlyMap<string, Json>;
  /** Serves one call. Throws what the hub would throw. */
  answer(call: RecordedCall): Json;
}

/**
 * A broker for tests that gives a plugin what `world` holds and what its own manifest asks for, and nothing else: a use
 * without permission throws CAPABILITY_DENIED, wrong arguments STEP_INPUT_INVALID, as in a hub. Everything that is asked
 * for counts as approved.
 */
export function fakeBroker(plugin: PluginDefinition, world: World = {}): FakeBroker {
  const manifest = manifestOf(plugin);
  const calls: RecordedCall[] = [];
  const files = new Map(Object.entries(world.files ?? {}));
  const state = new Map(Object.entries(world.state ?? {}));
  return {
    calls,
    files,
    state,
    answer(call) {
      calls.push(call);
      checkArgs(manifest, call);
      checkPermission(manifest, call);
      checkSecrets(call, world.secrets ?? []);
      const result = serve(call, world, { files, state });
      const known = OPERATIONS[call.capability]?.[call.operation];
      if (known !== undefined) requireValid('STEP_OUTPUT_INVALID', known.result, result);
      return result;
    },
  };
}

interface Kept {
  readonly files: Map<string, string>;
  readonly state: Map<string, Json>;
}

function serve(call: RecordedCall, world: World, { files, state }: Kept): Json {
  const { capability, operation } = call;
  const own = world.answers?.[`${capability}.${operation}`];
  if (own !== undefined) return typeof own === 'function' ? own(call) : own;
  switch (capability) {
    case 'net.http':
      return serveHttp(call, world.http ?? {});
    case 'fs.read':
    case 'fs.write':
      return serveFiles(call, files);
    case 'process.run':
      return servePrograms(call, world.programs ?? {});
    case 'state':
      return serveState(call, state);
    case 'clock':
      return { now: world.now ?? 0 };
    case 'random':
      return { hex: '00'.repeat(Number(Reflect.get(Object(call.args), 'count'))) };
    default:
      throw new HubError('CAPABILITY_UNAVAILABLE', { need: `${capability}.${operation}` });
  }
}

function checkArgs({ id }: Manifest, { capability, operation, args }: RecordedCall): void {
  if (!Object.hasOwn(CAPABILITIES, capability))
    throw new HubError('CAPABILITY_DENIED', { plugin: id, need: String(capability) });
  const operations = OPERATIONS[capability];
  if (operations === undefined) return;
  const known = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (known === undefined)
    throw new HubError('CAPABILITY_DENIED', { plugin: id, need: `${capability}.${operation}` });
  requireValid('STEP_INPUT_INVALID', known.args, args);
}

function checkPermission({ id, permissions }: Manifest, { capability, args }: RecordedCall): void {
  for (const need of needsOf(capability, args)) {
    if (permissions.some((held) => covers(held, need))) continue;
    throw new HubError('CAPABILITY_DENIED', { plugin: id, need: capabilityText(need) });
  }
}

/** Every secret that a request or a program is given must be one the test says there is. */
function checkSecrets({ args }: RecordedCall, known: readonly string[]): void {
  const { headers, env } = Object(args) as Readonly<Record<string, object | undefined>>;
  for (const value of Object.values({ ...headers, ...env })) {
    // SAFETY: the schema of the operation was checked; a value is text or a use of a secret.
    const { $secret } = Object(value) as { readonly $secret?: string };
    if ($secret !== undefined && !known.includes($secret))
      throw new HubError('SECRET_NOT_FOUND', { secret: $secret });
  }
}
