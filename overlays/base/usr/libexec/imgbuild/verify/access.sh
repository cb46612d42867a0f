# shellcheck shell=bash
# Who may come in; sourced by look, never run.
#
# shellcheck disable=SC2154 # root: the program's

# look_passwords ACCOUNT...: what a locked account has in place of a hash begins with ! or *. An empty one lets everybody in.
look_passwords() {
  local name hash found=''
  [ -r "$root/etc/shadow" ] || {
    echo '/etc/shadow cannot be read'
    return
  }
  for name in "$@"; do
    hash=$(awk -F : -v name="$name" '$1 == name { print ($2 == "" ? "empty" : $2) }' "$root/etc/shadow")
    case $hash in '!'* | '*'* | '') ;; *) found="$found $name" ;; esac
  done
  [ -z "$found" ] || echo "with a password:$found"
}

# look_ssh [ACCOUNT]: what sshd goes by, whatever files it has that from. ACCOUNT is for the console alone.
look_ssh() {
  local settings
  is_there sshd || return
  settings=$(sshd -T 2>&1) || {
    echo "sshd cannot read its configuration: $(tail -n 1 <<<"$settings")"
    return
  }
  # Releases have one of two names for asking questions.
  awk '
    $1 ~ /^(passwordauthentication|kbdinteractiveauthentication|challengeresponseauthentication)$/ && $2 != "no" { print $1, $2 }
    $1 ~ /^(permitrootlogin|permitemptypasswords|gssapiauthentication|hostbasedauthentication)$/ && $2 != "no" { print $1, $2 }
    $1 == "pubkeyauthentication" && $2 != "yes" { print $1, $2 }' <<<"$settings"
  [ -z "${1-}" ] || grep -qE "^denyusers (.* )?$1( |$)" <<<"$settings" || echo "$1 is let in, an account for the console"
}
