# shellcheck shell=sh
# Who gets which disk; sourced after match.sh and content.sh, never run.
#
#   assign   from fit_1 (and fit_2), the disks that fit each group, in the order of their places:
#            sets taken_1 (and taken_2), or problem, a sentence, and problem_kind:
#            few | many | ambiguous
#
# The rules, in this order; what none of them decides is ambiguous:
#   1. a disk that fits one group only goes there; where the rest has only one way to go, it goes it
#   2. of disks that fit both groups, one whose marks of ours name a group goes to that group
#   3. sizes in two classes that fit the counts: the smaller class is the first group's
#   4. all of one size: the first group takes the first, in the order of their places
#
# shellcheck disable=SC2154,SC2034 # groups, fit_N, tolerance: the caller's; problem, taken_N: for it

count_words() { REPLY=$#; }

# one_size DISK...: within the tolerance, in percent of the largest? Sets largest and smallest, sectors.
one_size() {
	largest=
	smallest=
	for os_n in "$@"; do
		get "$os_n" sectors
		[ -n "$largest" ] && [ "$REPLY" -le "$largest" ] || largest=$REPLY
		[ -n "$smallest" ] && [ "$REPLY" -ge "$smallest" ] || smallest=$REPLY
	done
	[ $# = 0 ] || [ $(((largest - smallest) * 100)) -le $((largest * tolerance)) ]
}

# without LIST LIST: the words of the first that the second lacks; common: those that it has.
without() {
	wo_left=
	for wo_n in $1; do has_word "$2" "$wo_n" || wo_left="$wo_left $wo_n"; done
	REPLY=${wo_left# }
}
common() {
	co_both=
	for co_n in $1; do has_word "$2" "$co_n" && co_both="$co_both $co_n"; done
	REPLY=${co_both# }
}

# check_count GROUP HAVE: sets problem where a group has too few or too many.
check_count() {
	gget "$1" name
	cc_name=$REPLY
	gget "$1" count
	if [ "$2" -lt "$REPLY" ]; then
		problem_kind=few
		problem="$cc_name wants $REPLY, and $2 of this machine's disks can serve it"
	elif [ "$2" -gt "$REPLY" ]; then
		problem_kind=many
		problem="$cc_name wants $REPLY, and $2 of this machine's disks fit it: nothing says which to take"
	fi
}

assign() {
	problem=
	problem_kind=
	forget_choice
	if [ "$groups" = 1 ]; then
		# shellcheck disable=SC2086 # words
		count_words $fit_1
		check_count 1 "$REPLY"
		taken_1=$fit_1
		return
	fi
	without "$fit_1" "$fit_2"
	as_only_1=$REPLY
	without "$fit_2" "$fit_1"
	as_only_2=$REPLY
	common "$fit_1" "$fit_2"
	as_both=$REPLY
	# shellcheck disable=SC2086 # words
	count_words $as_both
	as_n=$REPLY
	for as_g in 1 2; do
		eval "as_only=\$as_only_$as_g"
		# shellcheck disable=SC2086 # words
		count_words $as_only
		as_have=$REPLY
		gget "$as_g" count
		eval "as_need_$as_g=$((REPLY - as_have))"
		if [ "$as_have" -gt "$REPLY" ] || [ $((as_have + as_n)) -lt "$REPLY" ]; then
			[ "$as_have" -gt "$REPLY" ] || as_have=$((as_have + as_n))
			check_count "$as_g" "$as_have"
			return
		fi
	done
	if [ "$as_n" -ne $((as_need_1 + as_need_2)) ]; then
		gget 1 name
		as_names=$REPLY
		gget 2 name
		as_names="$as_names and $REPLY"
		if [ "$as_n" -lt $((as_need_1 + as_need_2)) ]; then
			problem_kind=few
			problem="$as_names together want $((as_need_1 + as_need_2)) of the disks that fit both, and there are $as_n"
		else
			problem_kind=many
			problem="$as_names together want $((as_need_1 + as_need_2)) of the disks that fit both, and there are $as_n: nothing says which to take"
		fi
		return
	fi
	if [ "$as_need_1" = 0 ]; then
		taken_1=$as_only_1
		taken_2="$as_only_2 $as_both"
	elif [ "$as_need_2" = 0 ]; then
		taken_1="$as_only_1 $as_both"
		taken_2=$as_only_2
	else
		divide
	fi
}

# forget_choice: what was taken on the way to a problem was not taken.
forget_choice() {
	taken_1=
	taken_2=
}

# divide: both groups want some of as_both, and together they want them all.
divide() {
	problem_kind=ambiguous
	gget 1 name
	di_name_1=$REPLY
	gget 2 name
	di_name_2=$REPLY
	di_1=
	di_2=
	di_rest=
	for di_n in $as_both; do
		marked_groups "$di_n"
		get "$di_n" groups
		marks_name "$REPLY"
		case $REPLY in
		1) di_1="$di_1 $di_n" ;;
		2) di_2="$di_2 $di_n" ;;
		both)
			get "$di_n" name
			problem="the marks on $REPLY name both $di_name_1 and $di_name_2"
			return
			;;
		*) di_rest="$di_rest $di_n" ;;
		esac
	done
	# shellcheck disable=SC2086 # words
	count_words $di_1
	as_need_1=$((as_need_1 - REPLY))
	# shellcheck disable=SC2086 # words
	count_words $di_2
	as_need_2=$((as_need_2 - REPLY))
	if [ "$as_need_1" -lt 0 ] || [ "$as_need_2" -lt 0 ]; then
		problem="more disks bear the marks of one of $di_name_1 and $di_name_2 than it wants"
		return
	fi
	if [ -n "$as_only_1$as_only_2" ] && [ "$as_need_1" -gt 0 ] && [ "$as_need_2" -gt 0 ]; then
		problem="some disks fit both $di_name_1 and $di_name_2, and nothing says which goes where"
		return
	fi
	# shellcheck disable=SC2086 # words
	if [ "$as_need_1" -gt 0 ] && [ "$as_need_2" -gt 0 ]; then
		if one_size $di_rest; then keep_like_together $di_rest; else by_size $di_rest; fi
	fi
	# shellcheck disable=SC2086 # words
	[ -n "$problem" ] || give $di_rest
	taken_1="$as_only_1 $di_1"
	taken_2="$as_only_2 $di_2"
	[ -n "$problem" ] || problem_kind=
}

# sort_by_size DISK...: into di_rest, the smallest first.
sort_by_size() {
	di_rest=$(
		for bs_n in "$@"; do
			get "$bs_n" sectors
			printf '%s %s\n' "$REPLY" "$bs_n"
		done | sort -n | while read -r _ bs_n; do printf '%s ' "$bs_n"; done
	)
}

# keep_like_together DISK...: a wide tolerance lets unlike disks pass for one size; pairs are still made of like ones.
keep_like_together() {
	kl_tolerance=$tolerance
	[ "$tolerance" -le 5 ] || tolerance=5
	one_size "$@" || sort_by_size "$@"
	tolerance=$kl_tolerance
}

# by_size DISK...: sorts di_rest by size, if the sizes make two classes that fit the counts.
by_size() {
	sort_by_size "$@"
	bs_small=
	bs_large=
	bs_left=$as_need_1
	for bs_n in $di_rest; do
		if [ "$bs_left" -gt 0 ]; then bs_small="$bs_small $bs_n"; else bs_large="$bs_large $bs_n"; fi
		bs_left=$((bs_left - 1))
	done
	# shellcheck disable=SC2086 # words
	if one_size $bs_small; then
		bs_edge=$largest
		if one_size $bs_large; then
			# Between the classes there must be more than within one.
			[ $(((smallest - bs_edge) * 100)) -gt $((smallest * tolerance)) ] && return
		fi
	fi
	problem="$di_name_1 and $di_name_2 fit the same disks, whose sizes are neither one nor two classes of $as_need_1 and $as_need_2"
}

# give DISK...: the first ones to the first group.
give() {
	for gi_n in "$@"; do
		if [ "$as_need_1" -gt 0 ]; then
			di_1="$di_1 $gi_n"
			as_need_1=$((as_need_1 - 1))
		else
			di_2="$di_2 $gi_n"
		fi
	done
}

# marks_name GROUPS: 1, 2, both or ''. A long mark leaves room for the beginning of a group's name only;
# a beginning that both names share says nothing.
marks_name() {
	mn_1=
	mn_2=
	for mn_group in $1; do
		case $mn_group:$di_name_1:$di_name_2 in
		"$mn_group:$mn_group:"*) mn_1=1 ;;
		*":$mn_group") mn_2=2 ;;
		"$mn_group:$mn_group"*":$mn_group"*) ;;
		"$mn_group:$mn_group"*) mn_1=1 ;;
		*":$mn_group"*) mn_2=2 ;;
		esac
	done
	REPLY=$mn_1$mn_2
	[ "$REPLY" != 12 ] || REPLY=both
}
