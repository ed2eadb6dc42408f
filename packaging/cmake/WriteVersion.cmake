# cmake -D SOURCE=.. -D OUTPUT=version.cpp -D VERSION=0.1.0 -P WriteVersion.cmake
# Writes what the build knows of its own version; the file changes only when that does. Without git
# or a checkout the commit is empty.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=7 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
set(text "#include \"app/main/version.h\"

namespace kinora::app {

const char* const kVersion = \"${VERSION}\";
const char* const kCommit = \"${commit}\";

} // namespace kinora::app
")
set(old "")
if(EXISTS ${OUTPUT})
    file(READ ${OUTPUT} old)
endif()
if(NOT text STREQUAL old)
    file(WRITE ${OUTPUT} "${text}")
endif()
