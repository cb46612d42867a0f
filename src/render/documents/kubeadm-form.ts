import { stringify } from 'yaml';
import type { KubernetesPlan } from '../../plan/types.ts';
import { compareVersions } from '../../plan/units.ts';

/** Arguments of a program, in the form that kubeadm reads. */
type Arguments = Record<string, string> | { name: string; value: string }[];

interface KubeadmForm {
  apiVersion: string;
  /** Without dashes, in this order. */
  args(values: Record<string, string>): Arguments;
}

/** How a version's kubeadm is spoken to: v1beta4 came with 1.31, and made lists of what were maps of arguments. */
export function kubeadmForm({ minor }: Pick<KubernetesPlan, 'minor'>): KubeadmForm {
  if (compareVersions(minor, '1.31') < 0)
    return { apiVersion: 'kubeadm.k8s.io/v1beta3', args: (values) => values };
  return {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    args: (values) => Object.entries(values).map(([name, value]) => ({ name, value })),
  };
}

/** YAML as kubeadm's reader takes it, which still knows the words of YAML 1.1: a host may be called `on`, a token 0b1011. */
export function kubeYaml(value: object): string {
  return stringify(value, { lineWidth: 0, compat: 'yaml-1.1' });
}
