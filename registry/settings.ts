import { Ajv2020 } from 'ajv/dist/2020.js';
import * as Type from 'typebox';
import type { Static } from 'typebox';
import type { Store } from './store/index.ts';

/** What an admin may set while the registry runs. */
export const Settings = Type.Object(
  {
    title: Type.String({ minLength: 1, maxLength: 200 }),
    /** True: nothing may be changed but these settings. */
    readOnly: Type.Boolean(),
    /** How long each new version waits before it may be installed. */
    minAgeHours: Type.Number({ minimum: 0, maximum: 24 * 365 }),
    /** True: a person looks at each new version of every namespace. */
    review: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type Settings = Static<typeof Settings>;

const DEFAULTS: Settings = {
  title: 'Runtime Hub registry',
  readOnly: false,
  minAgeHours: 0,
  review: false,
};
const NAME = 'settings';
const isSettings = new Ajv2020({ strict: true }).compile<Settings>(Settings);

export function readSettings({ settings }: Store): Settings {
  const text = settings.get(NAME);
  if (text === null) return DEFAULTS;
  const value: unknown = JSON.parse(text);
  if (!isSettings(value)) throw new Error('the settings in the database have another form');
  return value;
}

export function writeSettings({ settings }: Store, value: Settings): void {
  settings.set(NAME, JSON.stringify(value));
}
