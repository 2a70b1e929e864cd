/**
 * The script for bash. Nothing that stands on the line is ever run: words are unquoted by hand, and names, which may come from others, are
 * put there quoted. It can be sourced again, and needs neither bash-completion nor more than bash 3.2. Written with `@{` for `${`, which
 * JavaScript would read.
 */
export const BASH_SCRIPT: string = String.raw`# bash completion for keyferry

# Sets REPLY to a word without its quotes, and __keyferry_quote to the one that is still open. Expands nothing but ~/ at its begin.
__keyferry_unquote() {
    local text=$1 c next i
    REPLY=
    __keyferry_quote=
    if [[ $text == '~/'* ]]; then
        REPLY=$HOME
        text=@{text:1}
    fi
    for ((i = 0; i < @{#text}; i++)); do
        c=@{text:i:1}
        if [[ -n $__keyferry_quote && $c == "$__keyferry_quote" ]]; then
            __keyferry_quote=
        elif [[ $__keyferry_quote == "'" ]]; then
            REPLY+=$c
        elif [[ -z $__keyferry_quote && ( $c == "'" || $c == '"' ) ]]; then
            __keyferry_quote=$c
        elif [[ $c == "\\" ]]; then
            i=$((i + 1))
            next=@{text:i:1}
            case $__keyferry_quote$next in
                '"\' | '""' | '"$' | $'"\x60') ;;
                '"'*) REPLY+=$c ;;
            esac
            REPLY+=$next
        else
            REPLY+=$c
        fi
    done
}

# Adds a name to COMPREPLY as it can stand in the quote that is open, if it can.
__keyferry_offer() {
    local name=$1 quoted= c i
    case $__keyferry_quote in
        "'")
            if [[ $name == *"'"* ]]; then return; fi
            quoted=$name
            ;;
        '"')
            if [[ $name == *'!'* ]]; then return; fi
            for ((i = 0; i < @{#name}; i++)); do
                c=@{name:i:1}
                case $c in
                    '\' | '"' | '$' | $'\x60') quoted+="\\$c" ;;
                    *) quoted+=$c ;;
                esac
            done
            ;;
        *)
            printf -v quoted '%q' "$name"
            ;;
    esac
    COMPREPLY+=("$quoted")
}

__keyferry_complete() {
    local -a words=()
    local REPLY __keyferry_quote= piece begin= glue= line i last
    COMPREPLY=()
    # Bash breaks words at = and : too; what stands before the last of these it keeps by itself.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        piece=@{COMP_WORDS[i]}
        last=$((@{#words[@]} - 1))
        __keyferry_unquote "$piece"
        if [[ $last -ge 0 && $piece =~ ^[=:]+$ ]]; then
            words[last]+=$REPLY
            begin=@{words[last]}
            glue=yes
        elif [[ -n $glue ]]; then
            words[last]+=$REPLY
            glue=
        else
            words+=("$REPLY")
            begin=
        fi
    done
    while IFS= read -r line; do
        case $line in
            :4) compopt +o default 2> /dev/null ;;
            :*) ;;
            *)
                line=@{line%%$'\t'*}
                __keyferry_offer "@{line#"$begin"}"
                ;;
        esac
    done < <(keyferry complete --literal -- "@{words[@]}" 2> /dev/null)
}

complete -o default -F __keyferry_complete keyferry
`.replaceAll('@{', '${')
