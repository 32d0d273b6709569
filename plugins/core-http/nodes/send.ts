import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode } from '@runtime-hub/plugin-sdk';
import { AnyJson } from '@runtime-hub/plugin-sdk/contract';
import { checkStatus } from '../answer.ts';
import { buildBody, type BodyForm } from '../body.ts';
import { buildRequest } from '../build-request.ts';
import { about, bodyOf, bodyOutputs } from '../outputs.ts';
import { Sender } from '../retry.ts';
import { common } from '../settings.ts';

const LONGEST_MS = 900_000;

type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** Sends to an address. */
export const sendNode = defineNode({
  type: 'send',
  title: 'HTTP send',
  description:
    'Sends to an address: POST, PUT, PATCH or DELETE. Only what may be done twice is tried again, unless told; a status from 400 fails the step unless it is allowed.',
  effect: 'external',
  timeoutMs: LONGEST_MS,
  uses: ['net.http'],
  config: Type.Object(
    {
      method: Type.Optional(
        Type.Unsafe<Method>({
          enum: ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
          default: 'POST',
        }),
      ),
      ...common,
      bodyAs: Type.Optional(
        Type.Unsafe<BodyForm>({ enum: ['json', 'text', 'form', 'blob'], default: 'json' }),
      ),
      /** Sent when nothing arrives at “body”. */
      body: Type.Optional(AnyJson),
      /** Sends the header Idempotency-Key, the same at every attempt, and tries POST and PATCH again too. */
      idempotencyKey: Type.Optional(Type.Boolean({ default: false })),
      /** Tries POST and PATCH again too: the server may do it twice. */
      retryAlways: Type.Optional(Type.Boolean({ default: false })),
    },
    { additionalProperties: false },
  ),
  inputs: { body: AnyJson },
  optionalInputs: ['body'],
  outputs: bodyOutputs,
  async run({ config, inputs, context }) {
    const { method = 'POST', bodyAs = 'json', read = 'json', retry = {} } = config;
    const { idempotencyKey = false, retryAlways = false } = config;
    const content = buildBody(inputs.body ?? config.body, bodyAs);
    const headers = {
      ...(content === null ? {} : { 'content-type': content.type }),
      ...(idempotencyKey ? { 'idempotency-key': context.idempotencyKey } : {}),
    };
    const request = {
      ...buildRequest(method, config, headers),
      ...(content === null ? {} : { body: content.body }),
    };
    const sender = new Sender(context, retry, { always: idempotencyKey || retryAlways });
    const response = await sender.send(request);
    checkStatus(request, response, config);
    return { ...bodyOf(response, read), response: about(response, sender.sent) };
  },
});
