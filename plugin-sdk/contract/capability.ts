import * as Type from 'typebox';
import type { Static } from 'typebox';

/** What each capability lets its holder do, in words an admin reads, and what its target names. */
export const CAPABILITIES = {
  'screen.capture': { title: 'See the screen', target: 'area', risk: 'high' },
  'input.mouse': { title: 'Move and click the mouse', target: 'area', risk: 'high' },
  'ocr.read': { title: 'Read text from pictures', target: 'any', risk: 'low' },
  'net.http': { title: 'Send requests to', target: 'host', risk: 'high' },
  'fs.read': { title: 'Read files in', target: 'path', risk: 'high' },
  'fs.write': { title: 'Change files in', target: 'path', risk: 'high' },
  'process.run': { title: 'Run the program', target: 'program', risk: 'high' },
  'process.list': { title: 'See which programs run', target: 'any', risk: 'medium' },
  'process.end': { title: 'End the program', target: 'program', risk: 'high' },
  'secrets.use': { title: 'Use the secret', target: 'secret', risk: 'high' },
  clock: { title: 'Know the time', target: 'any', risk: 'low' },
  random: { title: 'Get random numbers', target: 'any', risk: 'low' },
  state: { title: 'Remember small values between runs', target: 'any', risk: 'low' },
  blobs: { title: 'Keep pictures and files it makes', target: 'any', risk: 'low' },
  log: { title: 'Write to the log', target: 'any', risk: 'low' },
} as const;

export type CapabilityName = keyof typeof CAPABILITIES;
export const CAPABILITY_NAMES = Object.keys(CAPABILITIES) as readonly CapabilityName[];

export const CapabilityNameSchema = Type.Unsafe<CapabilityName>({ enum: [...CAPABILITY_NAMES] });

/** The part of a capability a grant holds for or a use needs; its forms are in targets.ts. */
export const TargetSchema = Type.String({ minLength: 1, maxLength: 512 });

/** What a manifest asks for, and why; shown to the admin word by word. */
export const Permission = Type.Object(
  {
    capability: CapabilityNameSchema,
    target: TargetSchema,
    /** Highest number of uses per second. */
    ratePerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 10_000 })),
    reason: Type.String({ minLength: 1, maxLength: 200 }),
  },
  { additionalProperties: false },
);
export type Permission = Static<typeof Permission>;

/** What one use of a capability needs. */
export interface Need {
  readonly capability: CapabilityName;
  readonly target: string;
}

/** The canonical text of a permission or need: `name:target[;rate=N/s]`. */
export function capabilityText(need: Need & { readonly ratePerSecond?: number }): string {
  const rate = need.ratePerSecond === undefined ? '' : `;rate=${String(need.ratePerSecond)}/s`;
  return `${need.capability}:${need.target}${rate}`;
}

/** Parses the canonical text; null when it is not of the form. */
export function parseCapability(text: string): (Need & { readonly ratePerSecond?: number }) | null {
  const match = /^([a-z.]+):(.+?)(?:;rate=(\d+(?:\.\d+)?)\/s)?$/u.exec(text);
  const capability = CAPABILITY_NAMES.find((name) => name === match?.[1]);
  const target = match?.[2];
  if (capability === undefined || target === undefined) return null;
  if (match?.[3] === undefined) return { capability, target };
  return { capability, target, ratePerSecond: Number(match[3]) };
}
