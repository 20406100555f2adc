# Completions of cb and cb-keygen for bash.
#
# All words come from the hidden command "cb complete" (src/cli/complete-command.ts), which knows the program's own
# tables and what the station remembers: nothing in this file has to change with them. It needs bash 4, and neither
# uses nor minds the package bash-completion. Without that package: source this file in ~/.bashrc.

_cb() {
  local cb=cb words=() candidates=() line=${COMP_LINE:0:COMP_POINT} i piece current fixed= last

  # Bash also parts words at characters of COMP_WORDBREAKS, such as = and :. What no blank parts is one word to cb.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    if ((i == 0)) || [[ $line == [[:space:]]* ]]; then
      line=${line#"${line%%[![:space:]]*}"}
      words+=("")
    fi
    piece=${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || piece=$line # without what stands behind the cursor
    words[${#words[@]} - 1]+=$piece
    line=${line#"$piece"}
  done
  current=${words[${#words[@]} - 1]}

  type -P cb > /dev/null || cb=${words[0]%-keygen}
  mapfile -t candidates < <("$cb" complete bash -- "${words[@]}" 2> /dev/null)
  COMPREPLY=()
  ((${#candidates[@]} > 0)) || return 0

  # What bash takes for a word begins behind the "=", and only that is replaced.
  [[ $current == --*=* && $COMP_WORDBREAKS == *=* ]] && fixed=${current%%=*}=
  last=${candidates[${#candidates[@]} - 1]}
  case $last in
    :files | :directories)
      if [[ $current == --*=* && $fixed == "" ]]; then
        local kind=-f
        [[ $last == :files ]] || kind=-d
        mapfile -t COMPREPLY < <(compgen "$kind" -P "${current%%=*}=" -- "${current#*=}")
        compopt -o filenames -o nospace
      elif [[ $last == :files ]]; then
        compopt -o default
      else
        compopt -o dirnames
      fi
      ;;
    *) COMPREPLY=("${candidates[@]#"$fixed"}") ;;
  esac
}

complete -F _cb cb cb-keygen
