/** What each shell needs to ask `tollfree complete`. */

/** The line is taken apart here, because bash breaks words at colons too, and wants only what follows the last one. */
const bash = String.raw`# tollfree completion for bash: eval "$(tollfree completion bash)" in ~/.bashrc
_tollfree() {
  local line=\${COMP_LINE:0:COMP_POINT} words current head word
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[\${#words[@]}-1]}
  head=\${current%"\${current##*:}"}
  COMPREPLY=()
  while IFS=$'\t' read -r word _; do
    COMPREPLY+=("\${word#"$head"}")
  done < <(tollfree complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -o default -F _tollfree tollfree
`;

const zsh = String.raw`#compdef tollfree
# tollfree completion for zsh: eval "$(tollfree completion zsh)" in ~/.zshrc, after compinit
_tollfree() {
  local -a found
  local word about
  while IFS=$'\t' read -r word about; do
    found+=("\${word//:/\\:}:$about")
  done < <(tollfree complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)
  if (( $#found )); then _describe tollfree found; else _files; fi
}
compdef _tollfree tollfree
`;

const fish = String.raw`# tollfree completion for fish: tollfree completion fish > ~/.config/fish/completions/tollfree.fish
function __tollfree_complete
  set -l words (commandline -opc) (commandline -ct)
  tollfree complete -- $words[2..-1] 2> /dev/null
end
complete -c tollfree -a '(__tollfree_complete)'
`;

const plain = (script: string): string => script.replaceAll(String.raw`\${`, '${');

export const scripts: Readonly<Record<string, string>> = { bash: plain(bash), zsh: plain(zsh), fish };
