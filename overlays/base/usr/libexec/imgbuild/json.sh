# shellcheck shell=bash
# JSON; sourced, never run.
#
#   json_text TEXT       REPLY = a string with its quotes

json_text() {
  local text=$1 out='' char code
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  case $text in
    *[[:cntrl:]]*)
      while [ -n "$text" ]; do
        char=${text:0:1}
        text=${text:1}
        case $char in
          [[:cntrl:]])
            printf -v code '%04x' "'$char"
            out=$out\\u$code
            ;;
          *) out=$out$char ;;
        esac
      done
      text=$out
      ;;
  esac
  REPLY="\"$text\""
}

# json_or_null TEXT: what is not known is null.
json_or_null() {
  if [ -n "$1" ]; then json_text "$1"; else REPLY=null; fi
}
