import { Hono } from 'hono';
import * as Type from 'typebox';
import type { Secrets } from '../services/secrets/secret-store.ts';
import { bodyReader } from './body.ts';

const closed = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 64 });
const Named = Type.Object({ name: Name }, closed);
const Secret = Type.Object({ name: Name, value: Type.String() }, closed);

/** Write-only: no route answers with a value. */
export function secretRoutes({ secrets }: { readonly secrets: Secrets }): Hono {
  const readSecret = bodyReader(Secret);
  const readName = bodyReader(Named);
  return new Hono()
    .get('/', (context) => context.json({ secrets: secrets.list() }))
    .post('/set', async (context) => {
      const { name, value } = await readSecret(context);
      secrets.set(name, value);
      return context.json({ secrets: secrets.list() });
    })
    .post('/remove', async (context) => {
      secrets.remove((await readName(context)).name);
      return context.json({ secrets: secrets.list() });
    });
}
