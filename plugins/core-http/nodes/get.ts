import * as Type from '@runtime-hub/plugin-sdk/schema';
import { defineNode, unfit } from '@runtime-hub/plugin-sdk';
import { AnyJson, type HttpRequest } from '@runtime-hub/plugin-sdk/contract';
import { checkStatus } from '../answer.ts';
import { buildRequest } from '../build-request.ts';
import { about, bodyOf, bodyOutputs } from '../outputs.ts';
import { readPages } from '../paging.ts';
import { Sender } from '../retry.ts';
import { common, Paging } from '../settings.ts';

const LONGEST_MS = 900_000;

/** Reads from an address. */
export const getNode = defineNode({
  type: 'get',
  title: 'HTTP get',
  description:
    'Reads from an address, page after page if told. Tries again when the server is busy; a status from 400 fails the step unless it is allowed.',
  effect: 'idempotent',
  timeoutMs: LONGEST_MS,
  uses: ['net.http'],
  config: Type.Object(
    {
      method: Type.Optional(Type.Unsafe<'GET' | 'HEAD'>({ enum: ['GET', 'HEAD'], default: 'GET' })),
      ...common,
      paging: Type.Optional(Paging),
    },
    { additionalProperties: false },
  ),
  outputs: {
    ...bodyOutputs,
    /** With paging: the items of all pages. */
    items: Type.Array(AnyJson),
    pages: Type.Integer(),
    /** With paging: there are more pages than were read. */
    more: Type.Boolean(),
  },
  async run({ config, context }) {
    const { method = 'GET', paging, read = 'json', retry = {} } = config;
    const sender = new Sender(context, retry);
    const ask = async (request: HttpRequest) => {
      const response = await sender.send(request);
      checkStatus(request, response, config);
      return response;
    };
    const first = buildRequest(method, config);
    if (paging === undefined) {
      const response = await ask(first);
      const body = method === 'HEAD' ? {} : bodyOf(response, read);
      return { ...body, response: about(response, sender.sent) };
    }
    if (read !== 'json' || method === 'HEAD')
      throw unfit('/paging', 'needs GET and JSON', 'Leave out method and read, or paging.');
    const { items, pages, more, last } = await readPages(first, paging, ask);
    return { items, pages, more, response: about(last, sender.sent) };
  },
});
