# Redis scripts live in server/redis/*.lua and are embedded as constant text: redis_scripts.c is
# generated, one `const char redis_script_<name>[]` per file. The schedule's are run by bridge/io, the
# others by the server (server/scripts.c).
file(GLOB lua CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/server/redis/*.lua)
set(generated ${CMAKE_BINARY_DIR}/generated/redis_scripts.c)
add_custom_command(OUTPUT ${generated}
  COMMAND ${CMAKE_COMMAND} -DOUT=${generated} "-DFILES=${lua}" -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
  DEPENDS ${lua} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake VERBATIM)
target_sources(cmibridge_io PRIVATE ${generated})
add_custom_target(generated DEPENDS ${generated})
