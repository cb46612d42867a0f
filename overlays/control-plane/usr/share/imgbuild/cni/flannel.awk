# Documentation/kube-flannel.yml of flannel-io/flannel: the leases are Kubernetes' own, the backend vxlan.

BEGIN {
  mode = ENVIRON["mode"]
  mtu = ENVIRON["mtu"]
}

inside("ConfigMap/kube-flannel-cfg") && /^  [a-z-]+\.json: \|$/ { file = $1 }

inside("ConfigMap/kube-flannel-cfg") && file == "net-conf.json:" && /^ +"Network": "[0-9.\/]+",$/ {
  found("Network")
  sub(/"[0-9.\/]+"/, "\"" ENVIRON["pod_subnet"] "\"")
}

inside("ConfigMap/kube-flannel-cfg") && file == "net-conf.json:" && /^ +"Type": "vxlan"$/ {
  found("Type")
  sub(/vxlan/, mode)
  # The MTU of the network below: flannel takes off what the encapsulation needs.
  if (mode == "vxlan") $0 = $0 ",\n" indent() "\"MTU\": " mtu + 50
}

inside("ConfigMap/kube-flannel-cfg") && file == "cni-conf.json:" && /^ +"delegate": \{$/ {
  found("delegate")
  # This backend has no MTU of its own.
  if (mode == "host-gw") $0 = $0 "\n" indent() "  \"mtu\": " mtu ","
}

inside("ConfigMap/kube-flannel-cfg") && /"(mtu|MTU)":/ && $0 !~ /\n/ { found("an MTU of its own") }

# Interfaces have other names on other hosts: it is found by its address. Unset, it would be the default route's.
inside("DaemonSet/kube-flannel-ds") && /^ +- --kube-subnet-mgr$/ {
  found("--kube-subnet-mgr")
  $0 = $0 "\n" indent() "- '--iface-regex=" ENVIRON["node_pattern"] "'"
}

inside("DaemonSet/kube-flannel-ds") && /^ +- --iface/ { found("an --iface of its own") }

{ print }

END {
  must("Network", 1)
  must("Type", 1)
  must("delegate", 1)
  must("--kube-subnet-mgr", 1)
  must_not("an MTU of its own")
  must_not("an --iface of its own")
  if (!times["an image"]) refuse("there is no image in it")
  exit refused
}
