# cmake -D PROGRAM=bin/kinora -D OUTPUT=share -P WriteShellFiles.cmake
# The man page and the shells' completions, as the program prints them.
function(write_output file)
    execute_process(COMMAND ${PROGRAM} ${ARGN} OUTPUT_VARIABLE text RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "kinora ${ARGN} failed: ${failed}")
    endif()
    file(WRITE ${OUTPUT}/${file} "${text}")
endfunction()

write_output(man/man1/kinora.1 manual)
write_output(bash-completion/completions/kinora completions bash)
write_output(zsh/site-functions/_kinora completions zsh)
write_output(fish/vendor_completions.d/kinora.fish completions fish)
