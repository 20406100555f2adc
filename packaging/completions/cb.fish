# Completions of cb and cb-keygen for fish.
#
# All words come from the hidden command "cb complete" (src/cli/complete-command.ts), which knows the program's own
# tables and what the station remembers: nothing in this file has to change with them.

function __cb_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l cb cb
    command -q cb; or set cb (string replace -r -- '-keygen$' '' $words[1])
    set -l lines ($cb complete fish -- $words "$current" 2>/dev/null)
    # A path may be the rest of a word: --config=/etc/cb
    set -l option (string match -r -- '^--[^=]*=' "$current")
    set -l path (string replace -r -- '^--[^=]*=' '' "$current")
    switch "$lines[-1]"
        case :files
            string replace -r -- '^' "$option" (__fish_complete_path $path)
        case :directories
            string replace -r -- '^' "$option" (__fish_complete_directories $path)
        case '*'
            string join -- \n $lines
    end
end

complete -c cb -f -a '(__cb_complete)'
complete -c cb-keygen -f -a '(__cb_complete)'
