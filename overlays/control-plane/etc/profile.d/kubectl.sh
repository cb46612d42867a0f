# shellcheck shell=sh
# Laid by imgbuild: kubectl as the cluster's administrator, for those who may read its file.
if [ -z "${KUBECONFIG:-}" ] && [ -r /etc/kubernetes/admin.conf ]; then
  export KUBECONFIG=/etc/kubernetes/admin.conf
fi
