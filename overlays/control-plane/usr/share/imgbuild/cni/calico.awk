# manifests/calico.yaml of projectcalico/calico: the datastore is Kubernetes, the backend bird.

BEGIN {
  mode = ENVIRON["mode"]
  ipip = mode == "ipip" ? "Always" : "Never"
  vxlan = mode == "vxlan" ? "Always" : "Never"
}

inside("ConfigMap/calico-config") && /^  calico_backend: "bird"$/ {
  found("calico_backend")
  if (mode == "vxlan") sub(/bird/, "vxlan")
}

inside("ConfigMap/calico-config") && /^  veth_mtu: "[0-9]+"$/ {
  found("veth_mtu")
  sub(/"[0-9]+"/, "\"" ENVIRON["mtu"] "\"")
}

# The line behind a variable's name has its value.
inside("DaemonSet/calico-node") && variable != "" {
  if ($0 ~ /^ +value: "[A-Za-z]+"$/ && variable ~ /^(IP|CALICO_IPV4POOL_IPIP|CALICO_IPV4POOL_VXLAN)$/) {
    found(variable)
    value = variable == "IP" ? "autodetect" : variable ~ /IPIP$/ ? ipip : vxlan
    sub(/"[A-Za-z]+"/, "\"" value "\"")
    # Unset, it would be the first interface that it comes across.
    if (variable == "IP") {
      blanks = substr(indent(), 3)
      $0 = $0 "\n" blanks "- name: IP_AUTODETECTION_METHOD\n" blanks "  value: \"cidr=" ENVIRON["node_network"] "\""
    }
  }
  # It stands there as a comment, which is taken away.
  if ($0 ~ /^ +#   value: "[0-9.\/]+"$/ && variable == "# CALICO_IPV4POOL_CIDR") {
    found("CALICO_IPV4POOL_CIDR")
    $0 = indent() "  value: \"" ENVIRON["pod_subnet"] "\""
  }
  variable = ""
}

inside("DaemonSet/calico-node") && /^ +- name: [A-Z0-9_]+$/ {
  variable = $3
  if (variable ~ /^(IP_AUTODETECTION_METHOD|CALICO_IPV4POOL_CIDR)$/) found("a second " variable)
}

inside("DaemonSet/calico-node") && /^ +# - name: CALICO_IPV4POOL_CIDR$/ {
  variable = "# CALICO_IPV4POOL_CIDR"
  sub(/# /, "")
}

# Without bird there is nobody to ask whether it lives.
inside("DaemonSet/calico-node") && /^ +- --?bird-(live|ready)$/ {
  found("the probes of bird")
  if (mode == "vxlan") next
}

{ print }

END {
  must("calico_backend", 1)
  must("veth_mtu", 1)
  must("IP", 1)
  must("CALICO_IPV4POOL_IPIP", 1)
  must("CALICO_IPV4POOL_VXLAN", 1)
  must("CALICO_IPV4POOL_CIDR", 1)
  must("the probes of bird", 2)
  must_not("a second IP_AUTODETECTION_METHOD")
  must_not("a second CALICO_IPV4POOL_CIDR")
  if (!times["an image"]) refuse("there is no image in it")
  exit refused
}
