# shellcheck shell=bash
# Puts together what kubeadm reads: the files of /etc/imgbuild/kubeadm, which hold no secret, and the secrets that this host was
# given. Sourced by steps after lib.sh, never run.
#
#   compose_init OUT   for kubeadm init: this host's part with every host's token in it, then the cluster's
#   compose_join OUT   for kubeadm join
#
# OUT is root's alone from its first byte on, and whole or not there. No secret is ever an argument of a program.
#
# shellcheck disable=SC2154 # lib.sh's

rendered=$root/etc/imgbuild/kubeadm

compose_init() {
  must_have "$rendered/init.yaml" "$rendered/cluster.yaml"
  must_be_given "$stage/bootstrap-tokens"
  into "$1" init_configuration ||
    fail "$1 cannot be put together: $stage/bootstrap-tokens has to have lines of a token and a host" "$again"
}

compose_join() {
  local token hash
  must_have "$rendered/join.yaml"
  must_be_given "$stage/bootstrap-token" "$stage/discovery-hash"
  token=$(<"$stage/bootstrap-token")
  hash=$(<"$stage/discovery-hash")
  [[ $token =~ ^[a-z0-9]{6}\.[a-z0-9]{16}$ ]] || fail "what lies in $stage/bootstrap-token is no bootstrap token" "$again"
  [[ $hash =~ ^sha256:[0-9a-f]{64}$ ]] || fail "what lies in $stage/discovery-hash is no hash of a CA" "$again"
  into "$1" join_configuration || fail "$1 cannot be written" "df ${1%/*}"
}

again='imgbuild render, and then give this host its overlay.tar.gz and secrets.tar.gz again'

must_have() {
  local file
  for file; do [ -s "$file" ] || fail "there is no $file: this host's overlay is not laid" "$again"; done
}

must_be_given() {
  local file
  for file; do [ -s "$file" ] || fail "this host was not given $file, or it is gone" "$again"; done
}

# into OUT COMMAND...: what COMMAND prints.
into() {
  local out=$1
  shift
  mkdir -p "${out%/*}"
  rm -f "$out.part"
  (umask 077 && "$@" >"$out.part") && mv -f "$out.part" "$out" && return
  rm -f "$out.part"
  return 1
}

# One entry for each host, as it stands in init.yaml's last lines; awk takes a thousand in no time. No {6} in its patterns:
# mawk does not know it.
init_configuration() {
  awk '
    function fault() { bad = 1; exit }
    FILENAME == ARGV[1] {
      if (NF != 2 || length($1) != 23 || $1 !~ /^[a-z0-9]+[.][a-z0-9]+$/ || index($1, ".") != 7) fault()
      if ($2 !~ /^[a-z0-9.-]+$/) fault()
      token[++hosts] = $1
      host[hosts] = $2
      next
    }
    /^bootstrapTokens: \[\]$/ { print "bootstrapTokens:"; found = 1; next }
    found && /^#  / { entry = entry substr($0, 2) "\n"; next }
    { print }
    END {
      if (bad || !found || entry == "" || hosts == 0) exit 1
      for (i = 1; i <= hosts; i++) {
        text = entry
        sub(/@TOKEN@/, token[i], text)
        sub(/@HOST@/, host[i], text)
        printf "%s", text
      }
    }' "$stage/bootstrap-tokens" "$rendered/init.yaml" && echo --- && cat "$rendered/cluster.yaml"
}

join_configuration() {
  local line
  while IFS= read -r line; do
    line=${line//@TOKEN@/$token}
    printf '%s\n' "${line//@HASH@/$hash}"
  done <"$rendered/join.yaml"
}
