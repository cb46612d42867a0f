# shellcheck shell=sh
# Laid by imgbuild: the cluster's own programs, and environment.sh, are found by name.
case ":$PATH:" in
  *:/opt/k8s/bin:*) ;;
  *) PATH=/opt/k8s/bin:$PATH ;;
esac
