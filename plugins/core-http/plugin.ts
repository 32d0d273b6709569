import { definePlugin } from '@runtime-hub/plugin-sdk';
import { getNode } from './nodes/get.ts';
import { sendNode } from './nodes/send.ts';

export default definePlugin({
  id: 'core/http',
  version: '1.0.0',
  title: 'HTTP',
  description: 'Reads from and sends to addresses, with retries, pages and secrets it never sees.',
  engine: '>=0.1.0',
  runtime: 'isolate',
  permissions: [
    {
      capability: 'net.http',
      target: '*',
      reason: 'Sends the requests of your workflows; narrow it to the hosts they need.',
    },
    {
      capability: 'secrets.use',
      target: '*',
      reason: 'Names the secrets of your workflows; only the hub puts their values in.',
    },
  ],
  nodes: [getNode, sendNode],
});
