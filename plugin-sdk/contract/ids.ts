import * as Type from 'typebox';

declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };

/** `namespace/name`, e.g. `core/screen`. */
export type PluginId = Brand<'PluginId'>;
/** Opaque id of one run. */
export type RunId = Brand<'RunId'>;
/** `namespace/name:node-type`, e.g. `core/screen:capture`. */
export type NodeTypeId = `${string}/${string}:${string}`;

export const PLUGIN_ID_PATTERN = '^[a-z][a-z0-9-]{1,38}/[a-z][a-z0-9-]{1,38}$';
export const NODE_TYPE_ID_PATTERN =
  '^[a-z][a-z0-9-]{1,38}/[a-z][a-z0-9-]{1,38}:[a-z][a-z0-9-]{0,62}$';
export const NAME_PATTERN = '^[a-z][a-z0-9-]{0,62}$';
/** Names of nodes and ports inside a workflow: no dots, so `node.port` splits without doubt. */
export const NODE_NAME_PATTERN = '^[A-Za-z][A-Za-z0-9_-]{0,62}$';
export const DIGEST_PATTERN = '^sha512-[0-9a-f]{128}$';
export const VERSION_PATTERN =
  '^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]{1,64})?$';

export const PluginIdSchema = Type.Unsafe<PluginId>({ type: 'string', pattern: PLUGIN_ID_PATTERN });
export const RunIdSchema = Type.Unsafe<RunId>({ type: 'string', pattern: '^[0-9a-z-]{8,64}$' });
export const DigestSchema = Type.String({ pattern: DIGEST_PATTERN });
export const VersionSchema = Type.String({ pattern: VERSION_PATTERN, maxLength: 128 });

// SAFETY: the brand is erased; callers pass text that a schema has checked or that they made.
export const pluginId = (text: string): PluginId => text as PluginId;
export const runId = (text: string): RunId => text as RunId;
/** Splits `ns/name:type` into plugin id and node type; the schema has checked the form. */
export function splitNodeType(id: string): { readonly plugin: PluginId; readonly type: string } {
  const at = id.indexOf(':');
  return { plugin: pluginId(id.slice(0, at)), type: id.slice(at + 1) };
}

/** Under what type a node's `migrate` is run; the dot keeps it apart from all that a workflow can name. */
export const migrationType = (type: string): string => `${type}.migrate`;
export const isMigration = (type: string): boolean => type.endsWith('.migrate');
