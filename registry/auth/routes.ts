import { Hono } from 'hono';
import * as Type from 'typebox';
import { PluginIdSchema } from '@runtime-hub/plugin-sdk/contract';
import { addressOf, bodyReader, jsonReply, type RateLimit } from '../http/index.ts';
import { createExchange, type ExchangeParts } from './exchange.ts';

export const ExchangeRequest = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 16_384 }), plugin: PluginIdSchema },
  { additionalProperties: false },
);
const readExchange = bodyReader(ExchangeRequest);

/** How build jobs get a token. */
export function authRoutes(parts: ExchangeParts, guesses: RateLimit): Hono {
  const app = new Hono();
  const exchange = createExchange(parts);
  app.post('/v1/auth/oidc/exchange', async (context) => {
    guesses.take(addressOf(context));
    return jsonReply(await exchange(await readExchange(context.req.raw)));
  });
  return app;
}
