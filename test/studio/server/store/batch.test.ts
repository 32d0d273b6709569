import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pack, unpack } from '../../../../studio/server/store/batch.ts';
import type { WriteRequest } from '../../../../studio/server/store/requests.ts';

const record = fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify({ text }));
const request: fc.Arbitrary<WriteRequest> = fc.oneof(
  fc.tuple(fc.constant('audit' as const), fc.constantFrom('acme/a', 'acme/b'), record),
  fc.constant(['sync'] as const),
  fc.tuple(fc.constant('claim' as const), fc.uuid()),
);

test('what is packed for the writer comes out the same and in order, whatever a plugin put into a record', () => {
  fc.assert(
    fc.property(fc.array(request), (requests) => {
      expect([...unpack(pack(requests))]).toEqual(requests);
    }),
  );
});

test('records in a row travel as one text', () => {
  const audit = ['audit', 'acme/a', '{"need":"a\\nb"}'] as const;
  expect(pack([audit, audit, ['sync'], audit])).toHaveLength(3);
});
