# Writes each file of FILES into OUT as a C string constant named after the file.
set(text "/* Generated from server/redis/ by cmake/Embed.cmake. */\nextern const char redis_script_none[];\nconst char redis_script_none[] = \"\";\n")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND text "extern const char redis_script_${name}[];\nconst char redis_script_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUT} "${text}")
