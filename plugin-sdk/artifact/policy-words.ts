/** What an admin may require besides the publisher's signature: in-toto attestations over the same artifact. */
export const REQUIREMENTS = ['org-approval', 'review'] as const;
export type Requirement = (typeof REQUIREMENTS)[number];

/** The largest step of a version (semver) that is taken unasked. */
export const UPDATE_STEPS = ['none', 'patch', 'minor'] as const;
export type UpdateStep = (typeof UPDATE_STEPS)[number];
