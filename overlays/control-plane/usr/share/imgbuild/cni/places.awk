# What the manifests of all plugins have in common. A place is something that has to be in the manifest, and just so often:
# one that is missing, or is there twice, is a form that was not thought of, and the manifest is refused.

# In which object of the manifest a line stands.
/^---/ { kind = name = part = "" }
/^kind: / { kind = $2 }
/^[a-z]+:/ { part = $1 }
part == "metadata:" && /^  name: / { name = $2 }

function inside(object) { return kind "/" name == object }

function found(place) { times[place]++ }

function refuse(text) {
  print "cni-manifest: " text >"/dev/stderr"
  refused = 1
}

function must(place, often) {
  if (times[place] + 0 != often) refuse(place ": found " times[place] + 0 " times instead of " often)
}

function must_not(place) { must(place, 0) }

# The blanks at a line's beginning.
function indent() {
  match($0, /^ */)
  return substr($0, 1, RLENGTH)
}

# The name and tag of an image stay, whatever repository it is from.
/^ +(- )?image: / {
  found("an image")
  if ($NF !~ /[:@][^\/]+$/) refuse("an image without a version: " $NF)
  if (ENVIRON["image_repository"] != "") {
    before = substr($0, 1, index($0, "image: ") + 6)
    image = $NF
    gsub(/"/, "", image)
    sub(/^.*\//, "", image)
    $0 = before ENVIRON["image_repository"] "/" image
  }
}
