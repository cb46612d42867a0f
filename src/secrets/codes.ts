/** What can be wrong in the secret store; `imgbuild secrets` and `imgbuild render` report it. */
export const secretCodes: readonly {
  code: string;
  severity?: string;
  title: string;
  reason: string;
  remedy: string;
}[] = [
  {
    code: 'secret-unusable',
    title: 'A file of the secret store cannot be used',
    reason: 'It is not what its name says: no PEM, no key that Kubernetes takes, no list of tokens.',
    remedy: 'Put the right file in its place, or remove it and have it made anew: `imgbuild secrets ensure`.',
  },
  {
    code: 'secret-incomplete',
    title: 'A secret lacks its other half',
    reason:
      'A certificate is signed with its authority’s key. Where the key is kept elsewhere nothing can be signed here.',
    remedy: 'Put the missing file beside it for as long as it takes to make what is missing.',
  },
  {
    code: 'secret-key-mismatch',
    title: 'A key does not belong to its certificate',
    reason: 'No server starts with such a pair.',
    remedy: 'Put the key that the certificate was made for beside it, or `imgbuild secrets renew`.',
  },
  {
    code: 'secret-not-a-ca',
    title: 'A certificate is no authority',
    reason: 'Kubernetes and etcd refuse what it would sign.',
    remedy: 'Import a certificate with CA:TRUE and the right to sign: `imgbuild secrets import-ca`.',
  },
  {
    code: 'secret-not-signed',
    title: 'A certificate is not signed by the authority in the store',
    reason: 'Its peers would not trust it.',
    remedy: '`imgbuild secrets renew` issues it anew.',
  },
  {
    code: 'secret-expired',
    title: 'A certificate has expired',
    reason: 'Nobody accepts it any more.',
    remedy:
      '`imgbuild secrets renew`; an authority’s own certificate with `--ca`, which keeps its key and everything it signed.',
  },
  {
    code: 'secret-not-yet-valid',
    title: 'A certificate is not valid yet',
    reason: 'Its time begins in the future, or this machine’s clock is wrong.',
    remedy: 'Set the clock, or issue the certificate anew.',
  },
  {
    code: 'secret-expires',
    severity: 'warning',
    title: 'A certificate expires soon',
    reason: 'On that day its server stops being believed.',
    remedy: '`imgbuild secrets renew`, render, and give hosts the new one.',
  },
  {
    code: 'secret-does-not-fit',
    title: 'A certificate does not fit the plan',
    reason: 'The host’s name or address changed, and its peers check both.',
    remedy: '`imgbuild secrets renew`.',
  },
  {
    code: 'secret-shared-ca',
    title: 'Two authorities are one',
    reason:
      'What one of them signs, the other’s users accept: an etcd client could act as a Kubernetes user.',
    remedy: 'Give each its own certificate and key.',
  },
];
