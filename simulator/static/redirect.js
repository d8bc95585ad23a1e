document.getElementById("redirect").submit();
