// Kubeconfig files, one an identity, readable by their owner alone because they hold a bearer token.
import { writeFileSync } from 'node:fs';

export interface KubeconfigOptions {
  server: string;
  /** PEM of the authority that signed the API server's certificate. */
  certificateAuthority: string;
  user: string;
  token: string;
  namespace?: string;
}

export function writeKubeconfig(path: string, options: KubeconfigOptions): void {
  const name = 'daris';
  const namespace = options.namespace ?? 'default';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: options.server,
          'certificate-authority-data': Buffer.from(options.certificateAuthority).toString('base64'),
        },
      },
    ],
    users: [{ name: options.user, user: { token: options.token } }],
    contexts: [{ name, context: { cluster: name, user: options.user, namespace } }],
    'current-context': name,
  };
  // JSON is YAML, and every kubeconfig reader takes it.
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}
