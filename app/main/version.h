#pragma once
// What this build is. The build writes the values (packaging/cmake/WriteVersion.cmake).

namespace kinora::app {

extern const char* const kVersion; // "0.1.0"
extern const char* const kCommit;  // "abc1234", "abc1234-dirty", or empty where git did not say

} // namespace kinora::app
