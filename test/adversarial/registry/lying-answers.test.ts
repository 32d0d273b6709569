import { signCheckpoint } from '@runtime-hub/plugin-sdk/artifact';
import { expect, test } from 'vitest';
import { artifactOf } from '../../registry/open-registry.ts';
import { openLiar } from '../../support/registry-liar.ts';
import { OCR_PATH, at, fetchOcr, lied, openHub, otherTree, signer } from './liar-stage.ts';
import { outcomeOf, playTries } from './tries.ts';

const BUNDLE = `${OCR_PATH}/1.0.0/bundle`;
const json = (value: unknown) => () => JSON.stringify(value);
playTries('a registry that answers something else', [
  {
    name: 'other bytes under the digest',
    code: 'ARTIFACT_DIGEST_MISMATCH',
    act: lied(
      '/v1/blobs/',
      () => Buffer.from(artifactOf('acme/ocr', '1.0.0', { title: 'x' })),
      fetchOcr,
    ),
  },
  {
    name: 'an artifact without end',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied('/v1/blobs/', () => Buffer.alloc(20 * 1024 * 1024 + 1), fetchOcr),
  },
  {
    name: 'an HTML page as a bundle',
    code: 'SIGNATURE_MALFORMED',
    act: lied(BUNDLE, () => '<html>', fetchOcr),
  },
  {
    name: 'a release with the receipt of a tree that others are not shown',
    code: 'LOG_FORKED',
    act: lied(
      BUNDLE,
      (truth) => {
        // SAFETY: the registry's own bundle.
        const bundle = JSON.parse(truth.toString()) as {
          verificationMaterial: {
            tlogEntries: {
              inclusionProof: {
                treeSize: string;
                rootHash: string;
                checkpoint: { envelope: string };
              };
            }[];
          };
        };
        const proof = bundle.verificationMaterial.tlogEntries[0]?.inclusionProof;
        if (proof === undefined) throw new Error('It has no proof.');
        const size = Number(proof.treeSize);
        const root = otherTree(size);
        proof.rootHash = root.toString('base64');
        proof.checkpoint.envelope = signCheckpoint({ size, root, at: at.clock.now() }, signer);
        return JSON.stringify(bundle);
      },
      fetchOcr,
    ),
  },
  {
    name: 'another plugin’s record',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied(OCR_PATH, (truth) => truth.toString().replaceAll('acme/ocr', 'acme/pdf'), fetchOcr),
  },
  {
    name: 'a record with a field more',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied(OCR_PATH, (truth) => truth.toString().replace('{', '{"trusted":true,'), fetchOcr),
  },
  {
    name: 'a redirect to a machine of the network',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied(
      OCR_PATH,
      (_truth, _asked, response) => {
        response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
        return null;
      },
      fetchOcr,
    ),
  },
  {
    name: 'an answer that unpacks to more than was sent',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied(
      OCR_PATH,
      (_truth, _asked, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(Buffer.of(0x1f, 0x8b));
        return null;
      },
      fetchOcr,
    ),
  },
  {
    name: 'a refusal with a code that is the hub’s own',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied(
      OCR_PATH,
      (_truth, _asked, response) => {
        response.writeHead(403).end(JSON.stringify({ code: 'CAPABILITY_DENIED', data: {} }));
        return null;
      },
      fetchOcr,
    ),
  },
  {
    name: 'a refusal with a code that is every object’s own',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied(
      OCR_PATH,
      (_truth, _asked, response) => {
        response.writeHead(403).end(JSON.stringify({ code: 'constructor' }));
        return null;
      },
      fetchOcr,
    ),
  },
  {
    name: 'a search that is no list',
    code: 'REGISTRY_RESPONSE_INVALID',
    act: lied(
      '/v1/plugins?',
      json({ items: {} }),
      async ({ client }) => await client.search({ text: '' }),
    ),
  },
  {
    name: 'an answer that never begins',
    code: 'REGISTRY_UNREACHABLE',
    act: lied(OCR_PATH, () => null, fetchOcr),
  },
  {
    name: 'a connection that is broken off',
    code: 'REGISTRY_UNREACHABLE',
    act: lied(
      OCR_PATH,
      (_truth, _asked, response) => {
        response.destroy();
        return null;
      },
      fetchOcr,
    ),
  },
  {
    name: 'a registry that is down',
    code: 'REGISTRY_UNREACHABLE',
    act: async () => {
      const closed = await openLiar(at.url);
      await closed[Symbol.asyncDispose]();
      return await fetchOcr(openHub(closed.url));
    },
  },
]);

test('a registry that is silent costs less than a second', async ({ task }) => {
  const begin = performance.now();
  const outcome = await outcomeOf(lied(OCR_PATH, () => null, fetchOcr));
  const ms = performance.now() - begin;
  task.meta.outcome = outcome;
  expect(outcome).toBe('REGISTRY_UNREACHABLE');
  expect(ms).toBeLessThan(1000);
});
