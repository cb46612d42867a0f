import { TOKEN_GROUP, TOKEN_USAGES } from '../plan/secrets.ts';

/**
 * A bootstrap token as a cluster keeps it, the same that kubeadm makes of one (BootstrapTokenToSecret in its
 * apis/bootstraptoken/v1/utils.go). Without `expires` it is good for ever.
 */
export function tokenSecret(token: string, host: string, expires: Date | undefined): object {
  const [id = '', secret = ''] = token.split('.');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      description: host,
      'token-id': id,
      'token-secret': secret,
      // RFC 3339 without fractions, as kubeadm writes it.
      ...(expires ? { expiration: expires.toISOString().replace(/\.\d+Z$/, 'Z') } : {}),
      ...Object.fromEntries(TOKEN_USAGES.map((usage) => [`usage-bootstrap-${usage}`, 'true'])),
      'auth-extra-groups': TOKEN_GROUP,
    },
  };
}
