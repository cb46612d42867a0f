# shellcheck shell=bash
# What the GPT itself says of a partition: the kernel keeps names only as they were when it read the table, and no types.
#
#   gpt_entry NODE SECTOR NUMBER   sets gpt_type, gpt_guid (lower case, as blkid writes them) and gpt_name; fails where
#                                  there is none
#   gpt_guids NODE SECTOR          REPLY = all entries in hexadecimal, '' without a table; fails where the disk cannot be read
#   type_word GUID                 REPLY = biosboot | esp | raid | lvm | fs, '' for another
#
# Entries of 128 bytes from the third sector on, as every tool writes them.
#
# shellcheck disable=SC2034 # for those who source this

GPT_ESP=c12a7328-f81f-11d2-ba4b-00a0c93ec93b

hex() { tr -d ' \n'; }

gpt_entry() {
  local raw
  gpt_type='' gpt_guid='' gpt_name=''
  raw=$(dd if="$1" bs=128 count=1 skip=$(($2 / 64 + $3 - 1)) 2>/dev/null | od -An -v -tx1 | hex)
  [ ${#raw} = 256 ] || return 1
  case ${raw:0:32} in *[!0]*) ;; *) return 1 ;; esac
  guid_text "${raw:0:32}"
  gpt_type=$REPLY
  guid_text "${raw:32:32}"
  gpt_guid=$REPLY
  gpt_name=$(dd if="$1" bs=8 count=9 skip=$((($2 * 2 + ($3 - 1) * 128 + 56) / 8)) 2>/dev/null | tr -d '\000')
}

gpt_guids() {
  local count=$((16384 / $2)) head
  head=$(dd if="$1" bs="$2" skip=1 count=1 2>&1 | tr -d '\000')
  REPLY=
  case $head in
    'EFI PART'*) ;;
    *'1+0 records in'*) return 0 ;;
    *) return 1 ;;
  esac
  REPLY=$(dd if="$1" bs="$2" count="$count" skip=2 2>/dev/null | od -An -v -tx1 | hex)
  [ ${#REPLY} = 32768 ]
}

# guid_text HEX: the first three fields lie with their lowest byte first.
guid_text() {
  local h=$1
  REPLY=${h:6:2}${h:4:2}${h:2:2}${h:0:2}-${h:10:2}${h:8:2}-${h:14:2}${h:12:2}-${h:16:4}-${h:20:12}
}

# guid_hex TEXT: the other way round.
guid_hex() {
  local g=${1//-/}
  REPLY=${g:6:2}${g:4:2}${g:2:2}${g:0:2}${g:10:2}${g:8:2}${g:14:2}${g:12:2}${g:16:16}
}

type_word() {
  case $1 in
    21686148-6449-6e6f-744e-656564454649) REPLY=biosboot ;;
    "$GPT_ESP") REPLY=esp ;;
    a19d880f-05fc-4d3b-a006-743f0f84911e) REPLY=raid ;;
    e6d6d379-f507-44c2-a23c-238f2a3df928) REPLY=lvm ;;
    0fc63daf-8483-4772-8e79-3d69d8477de4) REPLY=fs ;;
    *) REPLY= ;;
  esac
}
