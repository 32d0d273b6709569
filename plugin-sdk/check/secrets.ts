/** How keys and tokens look that must not be in a pack; forms from their issuers' own documentation. */
export const SECRETS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: 'a private key',
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----\s*[A-Za-z0-9+/=]{16}/gu,
  },
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/gu },
  {
    what: 'a GitHub token',
    pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255})\b/gu,
  },
  { what: 'a GitLab token', pattern: /\bglpat-[\w-]{20,64}/gu },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/gu },
  { what: 'a PyPI token', pattern: /\bpypi-[\w-]{50,300}/gu },
  { what: 'a Slack token', pattern: /\bxox[abeprs]-[A-Za-z0-9-]{10,120}/gu },
  {
    what: 'a Slack webhook',
    pattern: /hooks\.slack\.com\/services\/T[A-Z0-9]{6,14}\/B[A-Z0-9]{6,14}\/[A-Za-z0-9]{16,40}/gu,
  },
  { what: 'a Stripe key', pattern: /\b[sr]k_live_[A-Za-z0-9]{16,255}/gu },
  { what: 'a Google API key', pattern: /\bAIza[\w-]{35}\b/gu },
  { what: 'a SendGrid key', pattern: /\bSG\.[\w-]{22}\.[\w-]{43}\b/gu },
  {
    what: 'an OpenAI or Anthropic key',
    pattern: /\bsk-(?:proj-|ant-[a-z0-9]{2,8}-)[\w-]{32,200}/gu,
  },
  {
    what: 'a signed token (JWT)',
    pattern: /(?<![\w-])eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{20,1000}/gu,
  },
  {
    what: 'an address with a password in it',
    pattern:
      /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"'`<>${}]{1,64}:[^\s/:@"'`<>${}]{3,128}@[a-z0-9]/giu,
  },
];
