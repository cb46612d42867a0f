# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the way to the API servers'
patience=120
hint='systemctl status api-proxy; nginx -t -c /etc/imgbuild/api-proxy/nginx.conf'

check() { systemctl is-active --quiet api-proxy.service && listens; }

act() {
  quietly systemctl restart api-proxy.service || fail 'the proxy does not start'
  await 60 "the proxy on 127.0.0.1:${endpoint##*:}" listens
}

listens() { (: </dev/tcp/127.0.0.1/"${endpoint##*:}") 2>/dev/null; }
